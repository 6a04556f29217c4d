"""Paths that a pipeline file names: they must lie in the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["escaping", "files_in", "place_fault", "project_place", "texts_in"]


def project_place(root: Path, text: str) -> str | None:
    """Return a path relative to the project, with forward slashes; None if it leaves it.

    Symbolic links are followed: DVC cannot record what lies outside.
    """
    try:
        full = (root / text).resolve()
    except (OSError, ValueError):
        return None
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else None


def place_fault(root: Path, text: str) -> str | None:
    """Say why a path is not a file of the project, or None."""
    place = project_place(root, text)
    if place is None:
        return f"{text} must lie in the project {root}"
    return None if (root / place).is_file() else f"there is no file {text} in the project"


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a plugin's parameters, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)


def files_in(root: Path, value: Any) -> tuple[str, ...]:
    """Return the files of the project that parameters name (weights, label lists), sorted."""
    places = {project_place(root, text) for text in texts_in(value) if "." in text}
    return tuple(sorted(place for place in places if place and (root / place).is_file()))


def escaping(root: Path, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield parameters that name something outside the project, each with its text."""
    for name, value in parameters.items():
        for text in texts_in(value):
            leaves = "/" in text and project_place(root, text) is None
            if leaves and (".." in Path(text).parts or Path(text).exists()):
                yield name, text
