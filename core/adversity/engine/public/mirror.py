"""A project as a worker has it that does not see the run's files: copies, kept by content.

What a step reads is listed by path and SHA-256. A worker takes what it has from its cache and names
what it lacks; it is sent that and asks again. Nothing is used before its hash is that of the list.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.data.atomic import storage_error
from adversity.data.store import Store
from adversity.errors import InputError
from adversity.provenance import file_sha256
from adversity.user_cache import user_cache, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LackingError", "Mirror", "TellingStore", "keep_blobs", "listed_files"]

AT_ONCE = 1 << 26
"""A worker asks for so many bytes at a time, or for one file that is larger."""


class LackingError(Exception):
    """A worker lacks files.

    Attributes:
        hashes: Their SHA-256.
    """

    def __init__(self, hashes: Iterable[str]) -> None:
        """Keep the hashes."""
        self.hashes = tuple(hashes)
        super().__init__(f"{len(self.hashes)} files are lacking")


def _blob(sha256: str) -> Path:
    return user_cache() / "worker" / "blobs" / sha256[:2] / sha256[2:]


def keep_blobs(blobs: Iterable[bytes]) -> None:
    """Keep contents in the cache of this machine, each by its SHA-256.

    Raises:
        StorageError: If the disk is full or not writable; nothing is left of what did not fit.
    """
    for content in blobs:
        path = _blob(hashlib.sha256(content).hexdigest())
        try:
            write_whole(path, content)
        except OSError as error:
            raise storage_error(error, path) from error


def listed_files(listing: str) -> list[tuple[str, str, int, str]]:
    """Read a list of files that this machine keeps.

    Args:
        listing: The SHA-256 of the list; JSON, a row a file.

    Returns:
        Path, SHA-256, bytes, and the MD5 or an empty text, of each; none where the list is lacking.
    """
    if not listing or not _whole(listing):
        return []
    return [(*row,) for row in json.loads(_blob(listing).read_bytes())]


def _whole(sha256: str) -> bool:
    """Say whether the cache has a content; what is damaged is taken out."""
    path = _blob(sha256)
    with suppress(OSError):
        if file_sha256(path) == sha256:
            return True
        path.unlink()
    return False


class Mirror:
    """The files of one run, as one worker process has them.

    Attributes:
        root: Its folder, which goes when the process ends.
        store: Where shards are put until they are sent back.
    """

    def __init__(self, run: str) -> None:
        """Make the folder, and remove those of processes that are gone.

        Args:
            run: The run's name, hexadecimal.
        """
        if not run.isalnum():
            raise InputError(f"expected letters and digits as a run's name, got {run!r}")
        projects = user_cache() / "worker" / "projects"
        for folder in projects.glob("*-*") if projects.is_dir() else ():
            if not _lives(folder.name.rpartition("-")[2]):
                shutil.rmtree(folder, ignore_errors=True)
        self.root = projects / f"{run}-{os.getpid()}"
        self.store = self.root / ".adversity" / "store"
        self.store.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, str] = {}
        self._listed: set[str] = set()
        atexit.register(self.remove)

    def remove(self) -> None:
        """Remove the folder; the cache stays."""
        atexit.unregister(self.remove)
        shutil.rmtree(self.root, ignore_errors=True)

    def bring(self, listing: str) -> None:
        """Put all files of a list in their places.

        Args:
            listing: The SHA-256 of the list, as `listed_files` reads it.

        Raises:
            LackingError: With some that are lacking.
            InputError: If a path leads out of the project.
        """
        if listing in self._listed:
            return
        if not _whole(listing):
            raise LackingError([listing])
        lacking: dict[str, None] = {}
        size = 0
        for path, sha256, count, _ in listed_files(listing):
            if self._files.get(path) == sha256:
                continue
            if _whole(sha256):
                self._place(path, sha256)
            elif size == 0 or size + count <= AT_ONCE:
                lacking[sha256] = None
                size += count
        if lacking:
            raise LackingError(lacking)
        self._listed.add(listing)

    def _place(self, path: str, sha256: str) -> None:
        target = (self.root / path).resolve()
        if not target.is_relative_to(self.root.resolve()):
            raise InputError(f"expected a path inside the project, got {path!r}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                target.hardlink_to(_blob(sha256))
            except OSError:  # a file system without links, or another one
                shutil.copyfile(_blob(sha256), target)
        except OSError as error:
            raise storage_error(error, target) from error
        self._files[path] = sha256

    def bring_pieces(self, store: Store, pieces: Iterable[tuple[str, str, str]]) -> None:
        """Put what a shard needs of others into the store: key, name and SHA-256 of each.

        Raises:
            LackingError: With those that are lacking.
        """
        missing = [piece for piece in pieces if not store.has(piece[0], piece[1])]
        lacking = dict.fromkeys(sha256 for _, _, sha256 in missing if not _whole(sha256))
        if lacking:
            raise LackingError(lacking)
        for key, name, sha256 in missing:
            store.put(key, name, partial(shutil.copyfile, _blob(sha256)))


def _lives(pid: str) -> bool:
    """Say whether a process of this machine is there, or may be."""
    if os.name != "posix" or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class TellingStore(Store):
    """A store that tells what each thread put into it."""

    def __init__(self, root: Path) -> None:
        """Use this folder."""
        super().__init__(root)
        self._local = threading.local()

    def listen(self) -> None:
        """Forget what this thread put so far."""
        self._local.put = {}

    def put(self, key: str, name: str, writer: Callable[[Path], object]) -> Path:
        """Put a file, and remember that."""
        path = super().put(key, name, writer)
        self._local.__dict__.setdefault("put", {})[key, name] = None
        return path

    def taken(self) -> tuple[tuple[str, str, bytes, str], ...]:
        """Return what this thread put since and is still there, with its SHA-256; take it out."""
        found = []
        for key, name in self._local.__dict__.get("put", {}):
            path = self.path(key, name)
            if path.is_file():
                content = self.read(key, name, Path.read_bytes)
                found.append((key, name, content, hashlib.sha256(content).hexdigest()))
                self.remove(key, name)
        return tuple(found)
