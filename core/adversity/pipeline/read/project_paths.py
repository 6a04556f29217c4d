"""Paths that a pipeline file names: they lie in the project, if only as a permitted link."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.contracts.nested import Plugin
from adversity.contracts.project_files import project_files
from adversity.errors import InputError
from adversity.project import file_fault, list_files, outside_fault, place_in, text_fault
from adversity.provenance import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.contracts import PluginBase

__all__ = [
    "escaping",
    "files_in",
    "outside_fault",
    "place_fault",
    "place_in",
    "place_sha256",
    "undeclared",
]

_OURS = frozenset({".", "artifacts", "metrics", "runs", ".adversity", ".dvc", ".git"})
"""What runs write: no step may rest on it by its name."""

place_fault = file_fault


def files_in(root: Path, *plugins: PluginBase) -> tuple[str, ...]:
    """Return the files and folders of the project that parameters name, sorted.

    What a plugin declares (`ProjectFile`) is among them though it be missing. What it takes as
    text is, too, if something of exactly that name lies in the project: rather one dependency
    too many than weights that are replaced unnoticed.
    """
    named = {file.text for plugin in plugins for file in project_files(plugin)}
    named |= {text for plugin in plugins for _, text in undeclared(root, plugin)}
    return tuple(sorted({place_in(root, text) or text for text in named}))


def escaping(root: Path, plugin: PluginBase) -> Iterator[tuple[str, str]]:
    """Yield parameters that name something outside the project, each with its text."""
    for name, text in _texts(plugin):
        leaves = "/" in text and place_in(root, text) is None
        if leaves and (".." in Path(text).parts or Path(text).exists()):
            yield name, text
    for name in type(plugin).model_fields:
        for file in project_files(getattr(plugin, name)):
            if place_in(root, file.text) is None:
                yield name, file.text


def undeclared(root: Path, plugin: PluginBase) -> Iterator[tuple[str, str]]:
    """Yield parameters that a plugin takes as text and that name something in the project.

    A folder counts only with a slash in its path: `data` may be a word.
    """
    for name, text in _texts(plugin):
        place = None if text_fault(text) else place_in(root, text)
        if place is not None and place.partition("/")[0] not in _OURS and _is_there(root, text):
            yield name, text


def place_sha256(root: Path, place: str) -> str:
    """Return the SHA-256 of a file, or over all that DVC sees in a folder.

    Raises:
        InputError: If it is not there, or is neither.
    """
    if not (root / place).is_dir():
        fault = file_fault(root, place)
        if fault is not None:
            raise InputError(fault)
        return file_sha256(root / place)
    digest = hashlib.sha256()
    for name in list_files(root, place).files:
        digest.update(f"{name}\0{file_sha256(root / place / name)}\n".encode())
    return digest.hexdigest()


def _is_there(root: Path, text: str) -> bool:
    try:
        full = root / text
        return full.is_file() or (full.is_dir() and "/" in text.strip("/"))
    except (OSError, ValueError):  # too long for a name
        return False


def _texts(plugin: PluginBase) -> Iterator[tuple[str, str]]:
    for name in type(plugin).model_fields:
        for text in _texts_in(getattr(plugin, name)):
            yield name, text


def _texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a parameter, however deep; what is declared as a file is none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Plugin):
        for _, text in _texts(value.plugin):
            yield text
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)
