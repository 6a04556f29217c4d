"""What samples in packed files were, by the lists that git has of versions of the data."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity.git import SECONDS, git_says
from adversity_flows.runs.sample_list import SampleList, list_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["listed_contents"]

_LATEST = 50
"""So many versions of a list are looked at, from the newest on."""


def listed_contents(root: Path, place: str, md5: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the start of the SHA-256 of the pixels of samples of a version of data.

    Args:
        root: The project's folder.
        place: Where the data lie, relative to it.
        md5: DVC's hash of the version.
        ids: Of samples; none is known where neither the disk nor git has a list of that version.
    """
    known = _contents(root, place, md5)
    return {id_: known[id_] for id_ in ids if id_ in known}


def _contents(root: Path, place: str, md5: str) -> Mapping[str, str]:
    file = list_place(place)
    with suppress(DataError):  # a file that is none says nothing; who looks at the data says so
        if (root / file).is_file() and SampleList.head(root / file)[1] == md5:
            return _by_id(SampleList.read(root / file))
    commits = git_says(root, "log", "--all", f"-{_LATEST}", "--format=%H", "--", file) or ""
    with tempfile.TemporaryDirectory(prefix="adversity-list-") as folder:
        path = Path(folder, "list")
        for commit in commits.split():
            path.write_bytes(_file_at(root, commit, file))
            with suppress(DataError):
                if SampleList.head(path)[1] == md5:
                    return _by_id(SampleList.read(path))
    return {}


def _file_at(root: Path, commit: str, file: str) -> bytes:
    """Return a file of a commit; nothing where git gives none."""
    command = ["git", "show", f"{commit}:./{file}"]
    try:
        answer = subprocess.run(
            command, cwd=root, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return answer.stdout if answer.returncode == 0 else b""


def _by_id(samples: SampleList) -> dict[str, str]:
    return dict(zip(samples.ids, samples.pixels(), strict=True))
