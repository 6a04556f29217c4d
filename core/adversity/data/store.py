"""A content-addressed store of finished pieces of work (cells of a matrix, shards).

A file's place is the hash of everything its content depends on; so a killed or widened run
computes only what is missing. Beside each file lies the hash of its content, and no file is
used before its content was found to be that: a byte that changed on the disk usually still
reads, as another number.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from adversity.data.atomic import atomic_write, is_partial, remove_leftovers
from adversity.errors import StorageError
from adversity.provenance import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Store", "file_state"]

Read = TypeVar("Read")

_KEY = re.compile(r"[0-9a-f]{16,128}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SUM = ".sha256"


class Store:
    """Files by (key, name) under one folder; safe for many threads and processes.

    Two writers of one (key, name) write the same bytes by definition of the key, so the
    later rename does no harm.

    Attributes:
        root: The folder.
        damaged: Files whose content had changed since they were written; each was taken out.
    """

    def __init__(self, root: Path) -> None:
        """Use this folder, normally `.adversity/store`; it is made on the first `put`."""
        self.root = Path(root)
        self.damaged: list[Path] = []
        self._verified: dict[Path, tuple[int, ...]] = {}

    def folder(self, key: str) -> Path:
        """Return the folder of a key, whether it is there or not.

        Args:
            key: 16 to 128 hexadecimal digits.
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"a store's key is 16 to 128 lower-case hex digits, got {key!r}")
        return self.root / key[:2] / key[2:]

    def path(self, key: str, name: str) -> Path:
        """Return a file's path, whether it is there or not."""
        if not _NAME.fullmatch(name) or name.endswith(_SUM):
            raise ValueError(f"a store's file name is letters, digits, _ . -, got {name!r}")
        return self.folder(key) / name

    def has(self, key: str, name: str) -> bool:
        """Say whether the finished file is there and holds what was written.

        A file is hashed when it is first read, and again if it was touched since. One
        that is damaged is taken out and noted in `damaged`.
        """
        return self._look(self.path(key, name)) == "whole"

    def read(self, key: str, name: str, reader: Callable[[Path], Read]) -> Read:
        """Return what `reader` reads from a finished file, whose content is verified first.

        Raises:
            StorageError: If the file is missing or damaged.
        """
        path = self.path(key, name)
        self._verified.pop(path, None)
        state = self._look(path)
        if state != "whole":
            raise StorageError(f"{path} is {state}; run again, what is whole in the store is kept")
        return reader(path)

    def _look(self, path: Path) -> Literal["whole", "missing", "damaged"]:
        try:
            state = file_state(path)
            if self._verified.get(path) == state:
                return "whole"
            if file_sha256(path) == _sum_of(path).read_text("utf-8").strip():
                self._verified[path] = state
                return "whole"
        except FileNotFoundError:
            return "missing"
        except (OSError, ValueError):  # a disk that cannot give it back, a sum that is no text
            pass
        self.damaged.append(path)
        with suppress(OSError):
            path.unlink()
        return "damaged"

    def names(self, key: str) -> tuple[str, ...]:
        """Return the names of a key's finished files, sorted."""
        folder = self.folder(key)
        if not folder.is_dir():
            return ()
        files = (p for p in folder.iterdir() if p.is_file() and not is_partial(p))
        return tuple(sorted(p.name for p in files if p.suffix != _SUM))

    def put(self, key: str, name: str, writer: Callable[[Path], object]) -> Path:
        """Let `writer` make the file; it appears whole or not at all.

        Raises:
            StorageError: If the disk is full or not writable.
        """
        path = self.path(key, name)

        def write(partial: Path) -> None:
            writer(partial)
            text = f"{file_sha256(partial)}\n"
            # The sum first: a file that is there has one, at whatever moment we are killed.
            atomic_write(_sum_of(path), lambda beside: beside.write_text(text, "utf-8"))

        atomic_write(path, write)
        return path

    def remove(self, key: str, name: str) -> None:
        """Take one file out, if it is there, so that it is made again."""
        path = self.path(key, name)
        for file in (path, _sum_of(path)):
            file.unlink(missing_ok=True)

    def drop(self, key: str) -> None:
        """Remove everything of a key."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def clean(self) -> int:
        """Remove what killed writers left behind; return how many files that were."""
        return remove_leftovers(self.root)


def _sum_of(path: Path) -> Path:
    return path.with_name(path.name + _SUM)


def file_state(path: Path) -> tuple[int, ...]:
    """Return what tells that a file was written since: size, time and inode."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
