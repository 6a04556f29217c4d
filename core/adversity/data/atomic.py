"""Write a file so that readers see the old one, the new one, or none; never half of it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from adversity.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["atomic_write", "is_partial", "partial_beside", "remove_leftovers", "storage_error"]

_ABANDONED_SECONDS = 86_400.0
"""A partial file of another machine counts as a leftover after this long without a write."""
_PARTIAL = re.compile(r"\..+\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}\.part")
_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run again, finished work is kept",
    errno.EDQUOT: "the disk quota is used up; free some space and run again, finished work is kept",
    errno.EFBIG: "the limit of file sizes is reached (`ulimit -f`); raise it and run again",
    errno.EACCES: "this folder may not be written; change its permissions",
    errno.EPERM: "this folder may not be written; change its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
}


def atomic_write(path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a partial file beside `path`, then rename it into place.

    The bytes are on the disk before the rename, so a power cut leaves the old file or the
    new one. Whatever `writer` raises, no partial file stays behind.

    Args:
        path: The file to make or replace; missing folders are made.
        writer: Called with the partial file's path.

    Raises:
        StorageError: If the operating system refuses (disk full, not writable).
    """
    partial = partial_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def partial_beside(path: Path) -> Path:
    """Return a hidden name beside a file or folder for what is to take its place.

    It tells who writes, so that `remove_leftovers` knows when nobody does any more.
    """
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.part")


def storage_error(error: OSError, path: Path) -> StorageError:
    """Return the one message for what the operating system refused."""
    advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
    return StorageError(f"cannot write {path}: {advice}")


def is_partial(path: Path) -> bool:
    """Say whether this is a partial file of `atomic_write`, to be ignored by readers."""
    return _PARTIAL.fullmatch(path.name) is not None


def remove_leftovers(folder: Path, *, below: bool = True) -> int:
    """Remove the partial files and folders that killed writers left in `folder` and below.

    One is a leftover if its writer was a process of this machine that is gone, and a file also if
    nobody wrote to it for a day.

    Args:
        folder: Where to look; it need not be there.
        below: Look into the folders in it as well.

    Returns:
        How many were removed.
    """
    removed = 0
    for path in list(folder.rglob(".*.part") if below else folder.glob(".*.part")):
        match = _PARTIAL.fullmatch(path.name)
        if match is None:
            continue
        with suppress(OSError):  # another process may clean at the same time
            if _abandoned(path, match):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
    return removed


def _abandoned(path: Path, match: re.Match[str]) -> bool:
    if match["host"] == _host() and os.name == "posix":  # elsewhere signal 0 is not harmless
        return not _alive(int(match["pid"]))
    # What is written into a folder does not show in its time.
    return path.is_file() and time.time() - path.stat().st_mtime > _ABANDONED_SECONDS


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives and belongs to somebody else
        return True
    return True


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
