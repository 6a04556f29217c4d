"""Which files a process reads, and a stamp of each that no later change leaves as it is.

A stamp is what the file system says of a file: kind, inode, size, and when contents and inode
changed last, in nanoseconds. The last of these no program can set; a file that is edited,
replaced or given its old date back has another one. For the standard library alone: it is
loaded before anything that takes long.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FilesRead", "Stamps", "newest_change", "stamp", "tree_stamp"]

STARTED_NS = time.time_ns()
"""When this process began to read; what imports this module does so before all else."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

Stamps = dict[str, list[Any] | None]
"""Absolute path to stamp; None where nothing is there."""


class FilesRead:
    """The files that Python opens to read from now on, those included that are not there.

    What a library opens without Python (a database, mapped memory) is not among them, nor is a
    file that is only asked for: who judges by them names those himself.
    """

    def __init__(self) -> None:
        """Listen; a hook cannot be taken away, so a process makes one of these."""
        self.paths: set[str] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open":
            return
        path, mode, flags = arguments
        if isinstance(path, int) or (mode is not None and mode[0] != "r"):
            return
        if mode is None and flags & _WRITES:
            return
        self.paths.add(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100  (in the hot path)


def stamp(path: str) -> list[Any] | None:
    """Return the stamp of a file or folder; of a link, its own and that of what it leads to."""
    try:
        own = os.lstat(path)
    except OSError:
        return None
    if own.st_mode & 0o170000 != 0o120000:
        return _values(own)
    try:
        return [*_values(own), os.readlink(path), *_values(os.stat(path))]  # noqa: PTH115, PTH116
    except OSError:
        return [*_values(own), None]


def tree_stamp(path: str) -> list[Any] | None:
    """Return one stamp of everything in a folder: number of entries, hash, newest change.

    Links are followed; a link back to a folder above it ends the walk at a depth of its own.
    """
    top = stamp(path)
    if top is None or not os.path.isdir(path):  # noqa: PTH112
        return top
    digest, count, newest = hashlib.sha256(), 0, newest_change(top)
    for name, found in _walk(path, ""):
        digest.update(f"{name}\0{found}\n".encode("utf-8", "surrogateescape"))
        newest, count = max(newest, newest_change(found)), count + 1
    return [count, f"{top}{digest.hexdigest()}", newest]


def newest_change(found: list[Any] | None) -> int:
    """Return when what has this stamp was changed last, in nanoseconds; 0 where nothing is."""
    numbers = [value for value in found or () if isinstance(value, int)]
    return max(numbers, default=0)


def _values(status: os.stat_result) -> list[Any]:
    return [
        f"{status.st_mode:o} {status.st_ino} {status.st_size}",
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]


_DEEPEST = 64


def _walk(folder: str, within: str) -> Iterator[tuple[str, list[Any] | None]]:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path, inner = f"{folder}/{name}", f"{within}/{name}"
        yield inner, stamp(path)
        if os.path.isdir(path):  # noqa: PTH112
            if inner.count("/") > _DEEPEST:
                raise OSError(f"{path}: more than {_DEEPEST} folders deep")
            yield from _walk(path, inner)
