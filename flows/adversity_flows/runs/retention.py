"""Which folders of runs, and which kept pieces of work, nobody needs any more."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.errors import StorageError
from adversity.pipeline.read.revisions import VERSIONS
from adversity_flows.runs.accepted_runs import accepted_run
from adversity_flows.runs.past_runs import FOLDER, read_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity_flows.runs.past_runs import PastRun

__all__ = ["Spare", "kept_runs", "size_of", "spare_pieces", "spare_runs", "spare_versions"]

_PIECES = ("store", "drawings", "shown", "unchanged")
"""Folders of `.adversity` in which each entry can be computed or drawn again."""
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Spare:
    """Something that may go.

    Attributes:
        path: A folder or file.
        size: Its bytes.
        why: What it is.
    """

    path: Path
    size: int
    why: str


def spare_runs(root: Path, *, keep: int, days: float) -> list[Spare]:
    """Return the folders of runs that are neither accepted, nor among the newest, nor young.

    What has no manifest that can be read is left alone: nobody knows what it is.

    Args:
        root: The project's folder.
        keep: So many of the newest runs of each pipeline stay, whatever their end.
        days: Younger ones stay.
    """
    old = time.time() - days * _DAY
    return [
        Spare(run.path, size_of(run.path), f"run of {run.manifest['pipeline']}")
        for runs in _by_pipeline(root).values()
        for run in runs[keep:]
        if not _is_accepted(root, run) and _newest(run.path) < old
    ]


def kept_runs(root: Path, gone: list[Spare]) -> list[PastRun]:
    """Return the runs that stay when others are gone."""
    leaving = {spare.path for spare in gone}
    return [run for runs in _by_pipeline(root).values() for run in runs if run.path not in leaving]


def spare_pieces(root: Path, *, days: float) -> list[Spare]:
    """Return finished pieces of work that were not written in so many days.

    They serve runs that go on after a kill, and matrices that are widened; no result needs one.
    """
    old = time.time() - days * _DAY
    return [
        Spare(path, size_of(path), f"kept work ({name})")
        for name in _PIECES
        for path in sorted((root / ".adversity" / name).glob("*/*" if name == "store" else "*"))
        if path.name != ".gitignore" and _newest(path) < old
    ]


def spare_versions(root: Path) -> list[Spare]:
    """Return data of revisions that were written out for a pin which no stage has any more.

    A pin that comes back has them written out again, from DVC's cache, its remote or git.
    """
    stages = root / "dvc.yaml"
    text = stages.read_text(encoding="utf-8") if stages.is_file() else ""
    return [
        Spare(path, size_of(path), "data of a revision")
        for path in sorted((root / VERSIONS).glob("*@*"))
        if f"{VERSIONS}/{path.name}" not in text
    ]


def size_of(path: Path) -> int:
    """Return the bytes that go with a file or folder; what is linked elsewhere, too, stays there."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    states = [one.lstat() for one in files]
    return sum(state.st_size for state in states if state.st_nlink == 1)


def _by_pipeline(root: Path) -> dict[str, list[PastRun]]:
    """Return all runs with a manifest, newest first, by pipeline."""
    found: dict[str, list[PastRun]] = {}
    for run in _runs(root):
        found.setdefault(str(run.manifest.get("pipeline")), []).append(run)
    return found


def _runs(root: Path) -> Iterator[PastRun]:
    for folder in sorted((root / FOLDER).glob("[0-9]*"), reverse=True):
        try:
            run = read_run(root, folder.name)
        except StorageError:
            continue
        if run is not None:
            yield run


def _is_accepted(root: Path, run: PastRun) -> bool:
    accepted = accepted_run(root, str(run.manifest["pipeline"]))
    return accepted is not None and accepted.id == run.id


def _newest(path: Path) -> float:
    """Return when something in a folder was last written."""
    times = [path.stat().st_mtime]
    times += [one.lstat().st_mtime for one in path.rglob("*")] if path.is_dir() else []
    return max(times)
