"""Data at a revision of the project: which content git and the records of DVC have of them there.

Nothing is fetched: a `.dvc` file, `dvc.lock` and git itself say what the content is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import InputError
from adversity.git import git_says

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["SHORT", "VERSIONS", "Pinned", "content_at", "pinned", "revision_fault"]

VERSIONS = "data/.versions"
"""Where data of revisions are written out, relative to the project; nobody edits them there."""

_REVISION = re.compile(r"[^\s:$-][^\s:$]*")
SHORT = 10
"""So many digits of a content are in the name of its version."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Data of the project as they were at a revision.

    Attributes:
        revision: As the pipeline file names it.
        commit: The commit's hash.
        place: Where the data lie in the project.
        contents: What is read of the revision to its content: DVC's MD5, or `git:` and git's hash.
    """

    revision: str
    commit: str
    place: str
    contents: Mapping[str, str]

    @property
    def content(self) -> str:
        """One hash of it all: DVC's or git's own, where one place is all that is read."""
        if len(self.contents) == 1:
            return next(iter(self.contents.values()))
        text = "\n".join(f"{place} {content}" for place, content in sorted(self.contents.items()))
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    @property
    def name(self) -> str:
        """What this content is called among the versions: `photos@e89e5c6481`."""
        slug = self.place.removeprefix("data/").replace("/", "--")
        return f"{slug}@{self.content.removeprefix('git:')[:SHORT]}"

    @property
    def folder(self) -> str:
        """The folder that holds it where the project has it, relative to the project."""
        return f"{VERSIONS}/{self.name}"


def revision_fault(revision: str) -> str | None:
    """Say why a text can name no revision, or None."""
    if _REVISION.fullmatch(revision):
        return None
    return f"must be a tag, a branch or a commit such as v1.2, got {revision!r}"


def pinned(root: Path, revision: str, place: str, more: Iterable[str] = ()) -> Pinned:
    """Return what data are at a revision.

    Args:
        root: The project's folder.
        revision: A tag, a branch or a commit.
        place: Where the data lie in the project.
        more: What else is read with them.

    Raises:
        InputError: If there is no such revision, or it has no such data.
    """
    fault = revision_fault(revision)
    if fault is not None:
        raise InputError(fault)
    commit = (
        git_says(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") or ""
    ).strip()
    if not commit:
        raise InputError(
            f"expected a tag, a branch or a commit of the project, got {revision}, which git does not "
            "know; `adversity data list` shows the versions, `git fetch --tags` brings those of others"
        )
    contents = {}
    for each in dict.fromkeys((place, *more)):
        content = content_at(root, commit, each)
        if content is None:
            raise InputError(
                f"{revision} has no {each}: neither DVC nor git has it there; `adversity data list` "
                "shows the versions"
            )
        contents[each] = content
    return Pinned(revision, commit, place, contents)


def content_at(root: Path, commit: str, place: str) -> str | None:
    """Return the hash of what a commit has at a place, or None where it has nothing."""
    path = PurePosixPath(place)
    stages = _yaml_at(root, commit, "dvc.lock").get("stages")
    outs = [out for stage in _values(stages) for out in _outs(stage)]
    for above in (path, *path.parents[:-1]):
        tracked = _outs(_yaml_at(root, commit, f"{above}.dvc"))
        here = [str(out.get("md5", "")) for out in tracked if out.get("path") == above.name]
        here += [str(out.get("md5", "")) for out in outs if out.get("path") == above.as_posix()]
        if here and here[0]:
            return here[0] if above == path else f"{here[0]}/{path.relative_to(above)}"
    found = git_says(root, "rev-parse", "--verify", "--quiet", f"{commit}:./{place}")
    return f"git:{found.strip()}" if found else None


def _outs(record: Any) -> list[dict[str, Any]]:
    outs = record.get("outs") if isinstance(record, dict) else None
    return [out for out in outs if isinstance(out, dict)] if isinstance(outs, list) else []


def _values(record: Any) -> list[Any]:
    return list(record.values()) if isinstance(record, dict) else []


def _yaml_at(root: Path, commit: str, file: str) -> dict[str, Any]:
    """Return a YAML file of a commit; nothing where there is none, or something else."""
    try:
        read = yaml.safe_load(git_says(root, "show", f"{commit}:./{file}") or "")
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, dict) else {}
