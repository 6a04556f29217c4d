"""Charts and display copies drawn before, kept so that a page draws only what changed.

The place of a drawing is the SHA-256 of all that its bytes depend on, so what changed is not found
under it; its first line is the SHA-256 of what follows, so what was damaged is not used. All of it
can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.user_cache import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FOLDER", "UNKEPT", "Drawings"]

FOLDER = ".adversity/drawings"
"""Where a project keeps them."""
_MOST = 100_000_000
"""Bytes that are kept: some ten pages of a large study."""


class Drawings:
    """Text that takes long to draw, by what it is drawn from; safe for threads and processes.

    Two writers of one drawing write the same bytes by definition of its place.
    """

    def __init__(self, folder: Path | None = None, *, most: int = _MOST) -> None:
        """Use a folder, which is made when something is drawn.

        Args:
            folder: None to keep nothing.
            most: Bytes that `tidy` leaves.
        """
        self._folder = folder
        self._most = most

    def drawn(self, *made_from: str | bytes, draw: Callable[[], str]) -> str:
        """Return what `draw` returns, which is called only if it is not kept.

        Args:
            *made_from: All that the text depends on.
            draw: Returns the text.
        """
        if self._folder is None:
            return draw()
        file = self._folder / _sha256(*made_from)
        # What cannot be read or written costs time, nothing else.
        with suppress(OSError, ValueError):
            proof, _, text = file.read_bytes().partition(b"\n")
            if hashlib.sha256(text).hexdigest().encode() == proof:
                os.utime(file)
                return text.decode("utf-8")
        new = draw()
        with suppress(OSError, ValueError):
            proof = hashlib.sha256(new.encode("utf-8")).hexdigest().encode()
            write_whole(file, f"{proof.decode()}\n{new}")
        return new

    def tidy(self) -> None:
        """Remove what was not used for longest, until no more is kept than may be."""
        if self._folder is None:
            return
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


UNKEPT = Drawings()
"""Everything is drawn anew."""


def _sha256(*parts: str | bytes) -> str:
    """Return the SHA-256 of some parts, which no other parts have."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
