"""A content-addressed store of finished pieces of work (cells of a matrix, shards).

A file's place is the hash of everything its content depends on. A file that is there is
whole; so a killed or widened run computes only what is missing.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.data.atomic import atomic_write, is_partial, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Store"]

_KEY = re.compile(r"[0-9a-f]{16,128}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Store:
    """Files by (key, name) under one folder; safe for many threads and processes.

    Two writers of one (key, name) write the same bytes by definition of the key, so the
    later rename does no harm.
    """

    def __init__(self, root: Path) -> None:
        """Use this folder, normally `.adversity/store`; it is made on the first `put`."""
        self.root = Path(root)

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
        if not _NAME.fullmatch(name):
            raise ValueError(f"a store's file name is letters, digits, _ . -, got {name!r}")
        return self.folder(key) / name

    def has(self, key: str, name: str) -> bool:
        """Say whether the finished file is there."""
        return self.path(key, name).is_file()

    def names(self, key: str) -> tuple[str, ...]:
        """Return the names of a key's finished files, sorted."""
        folder = self.folder(key)
        if not folder.is_dir():
            return ()
        return tuple(sorted(p.name for p in folder.iterdir() if p.is_file() and not is_partial(p)))

    def put(self, key: str, name: str, writer: Callable[[Path], object]) -> Path:
        """Let `writer` make the file; it appears whole or not at all.

        Raises:
            StorageError: If the disk is full or not writable.
        """
        path = self.path(key, name)
        atomic_write(path, writer)
        return path

    def drop(self, key: str) -> None:
        """Remove everything of a key."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def clean(self) -> int:
        """Remove what killed writers left behind; return how many files that were."""
        return remove_leftovers(self.root)
