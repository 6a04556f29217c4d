"""Files of a project that only save time: what took long to make, by what it is made of.

Each lies under a hash of all that its content depends on, so what changed is not found; its first
line is the SHA-256 of what follows, so what was damaged is not used. All of them can be deleted at
any time.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from adversity.user_cache import write_whole

__all__ = ["KeptFiles"]


class KeptFiles:
    """Bytes in one folder, which is bounded; safe for threads and processes.

    Two writers of one name write the same bytes by definition of the name. What cannot be read or
    written costs time, nothing else.
    """

    def __init__(self, folder: Path, *, most: int) -> None:
        """Use a folder, which is made when something is kept.

        Args:
            folder: Which.
            most: Bytes that `tidy` leaves.
        """
        self._folder = folder
        self._most = most

    def read(self, name: str) -> bytes | None:
        """Return what is kept under a name, as it was written; None if it is not, or damaged."""
        file = self._folder / name
        with suppress(OSError, ValueError):
            proof, _, content = file.read_bytes().partition(b"\n")
            if hashlib.sha256(content).hexdigest().encode() == proof:
                os.utime(file)
                return content
        return None

    def write(self, name: str, content: bytes) -> None:
        """Keep something under a name."""
        with suppress(OSError, ValueError):
            proof = hashlib.sha256(content).hexdigest().encode()
            write_whole(self._folder / name, proof + b"\n" + content)

    def tidy(self) -> None:
        """Remove what was not used for longest, until no more is kept than may be."""
        kept: list[tuple[float, int, str]] = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):  # another process may tidy at the same time
                    state = entry.stat()
                    kept.append((state.st_mtime, state.st_size, entry.path))
        held = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if held <= self._most:
                break
            with suppress(OSError):
                Path(path).unlink()
            held -= size
