"""The data sets of a project: where they lie, who uses them, and which versions git knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import InputError
from adversity_flows.runs.environment import git_says

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

__all__ = ["Listed", "Version", "listed", "tracked_places"]


@dataclass(frozen=True, slots=True)
class Version:
    """A commit in which data changed.

    Attributes:
        commit: Its short hash.
        names: Tags and branches there.
        date: Of the commit, as 2026-11-30.
        subject: The first line of its message.
    """

    commit: str
    names: tuple[str, ...]
    date: str
    subject: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Data of a project.

    Attributes:
        location: Where they lie, relative to the project.
        tracked: The file by which DVC tracks them; empty where it does not.
        md5: DVC's hash of what is tracked now.
        files, size: How many files, and bytes, those are; None where DVC does not say.
        here: Whether they are on this disk.
        used_by: The data sets that read them, `pipeline.name` each.
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
    for plan in plans:
        for id_, planned in plan.data.items():
            if planned.location is not None and not planned.plugin.packaged:  # type: ignore[attr-defined]
                used.setdefault(planned.location, []).append(f"{plan.name}.{id_}")
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
                tuple(_versions(root, file)) if file else (),
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


def _versions(root: Path, file: str) -> Iterator[Version]:
    told = git_says(root, "log", "--format=%h%x09%D%x09%cs%x09%s", "--decorate=short", "--", file)
    for line in (told or "").splitlines():
        commit, names, date, subject = line.split("\t", 3)
        plain = (name.removeprefix("HEAD -> ").removeprefix("tag: ") for name in names.split(", "))
        yield Version(commit, tuple(filter(None, plain)), date, subject)
