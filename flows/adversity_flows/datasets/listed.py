"""The data sets of a project: where they lie, who uses them, and which versions git knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import InputError
from adversity.git import git_says
from adversity.pipeline.read.revisions import content_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

__all__ = ["Listed", "Version", "listed", "tracked_places"]


@dataclass(frozen=True, slots=True)
class Version:
    """A commit in which data changed.

    Attributes:
        commit: Its short hash.
        names: Branches there, and all tags under which the data are as there.
        date: Of the commit, as 2026-11-30.
        subject: The first line of its message.
        pinned_by: The data sets that read them as they are there, `pipeline.name` each.
    """

    commit: str
    names: tuple[str, ...]
    date: str
    subject: str
    pinned_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """Data of a project.

    Attributes:
        location: Where they lie, relative to the project.
        tracked: The file by which DVC tracks them; empty where it does not.
        md5: DVC's hash of what is tracked now.
        files, size: How many files, and bytes, those are; None where DVC does not say.
        here: Whether they are on this disk.
        used_by: The data sets that read them, of whatever version, `pipeline.name` each.
        versions: Newest first; none where DVC does not track them.
    """

    location: str
    tracked: str
    md5: str
    files: int | None
    size: int | None
    here: bool
    used_by: tuple[str, ...]
    versions: tuple[Version, ...]


def listed(root: Path, plans: Sequence[Plan]) -> list[Listed]:
    """Return what pipelines read and what DVC tracks, by location; not what comes with packages.

    Raises:
        InputError: If a `.dvc` file is no YAML.
    """
    used: dict[str, list[str]] = {}
    pins: dict[tuple[str, str], list[str]] = {}
    for plan in plans:
        for id_, planned in plan.data.items():
            at, name = planned.pinned, f"{plan.name}.{id_}"
            place = planned.location if at is None else at.place
            if place is not None and not planned.plugin.packaged:  # type: ignore[attr-defined]
                used.setdefault(place, []).append(name)
            if at is not None:
                pins.setdefault((at.place, at.contents[at.place]), []).append(name)
    tracked = {place: (file, out) for place, file, out in tracked_places(root)}
    found = []
    for place in sorted({*used, *tracked}):
        file, out = tracked.get(place, ("", {}))
        found.append(
            Listed(
                place,
                file,
                str(out.get("md5", "")),
                1 if file and "nfiles" not in out else out.get("nfiles"),
                out.get("size"),
                (root / place).exists(),
                tuple(used.get(place, ())),
                tuple(_versions(root, place, file, pins)) if file else (),
            )
        )
    return found


def tracked_places(root: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each output of a `.dvc` file: its location, the file, and what stands there.

    Raises:
        InputError: If a `.dvc` file is no YAML.
    """
    for path in sorted(root.rglob("*.dvc")):
        inside = path.relative_to(root)
        if not path.is_file() or any(part.startswith(".") for part in inside.parts[:-1]):
            continue
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            outs = [dict(out) for out in content["outs"]]
            places = [(path.parent / str(out["path"])).relative_to(root).as_posix() for out in outs]
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{inside.as_posix()}: expected what `dvc add` writes, got something else; put it "
                f"back with git, or remove it ({type(error).__name__})"
            ) from error
        yield from (
            (place, inside.as_posix(), out) for place, out in zip(places, outs, strict=True)
        )


def _versions(
    root: Path, place: str, file: str, pins: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[Version]:
    """Yield the commits in which the data changed, the newest first, with what names them."""
    told = git_says(root, "log", "--format=%h%x09%D%x09%cs%x09%s", "--decorate=short", "--", file)
    lines = [line.split("\t", 3) for line in (told or "").splitlines()]
    tags = (git_says(root, "tag", "--list") or "").split()
    records = _records(root, file, [*(commit for commit, *_ in lines), *tags])
    tagged: dict[str, list[str]] = {}
    for tag in tags:
        tagged.setdefault(records[tag], []).append(tag)
    for commit, names, date, subject in lines:
        here = (name.removeprefix("HEAD -> ").removeprefix("tag: ") for name in names.split(", "))
        also = tagged.pop(records[commit], ())
        content = content_at(root, commit, place) or ""
        yield Version(
            commit,
            tuple(dict.fromkeys(filter(None, (*here, *also)))),
            date,
            subject,
            tuple(pins.get((place, content), ())),
        )


def _records(root: Path, file: str, revisions: Sequence[str]) -> dict[str, str]:
    """Return git's hash of a `.dvc` file in each revision; empty where there is none."""
    told = "".join(f"{revision}:./{file}\n" for revision in revisions)
    says = git_says(root, "cat-file", "--batch-check=%(objectname)", told=told) or ""
    found = ["" if line.endswith(" missing") else line for line in says.splitlines()]
    return dict(zip(revisions, found, strict=False)) if found else dict.fromkeys(revisions, "")
