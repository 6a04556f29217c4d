"""Charts and display copies drawn before, kept so that a page draws only what changed."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from adversity.kept_files import KeptFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
        self._files = None if folder is None else KeptFiles(folder, most=most)

    def drawn(self, *made_from: str | bytes, draw: Callable[[], str]) -> str:
        """Return what `draw` returns, which is called only if it is not kept.

        Args:
            *made_from: All that the text depends on.
            draw: Returns the text.
        """
        if self._files is None:
            return draw()
        name = _sha256(*made_from)
        kept = self._files.read(name)
        if kept is not None:
            with suppress(ValueError):
                return kept.decode("utf-8")
        new = draw()
        with suppress(ValueError):  # half a character cannot be written
            self._files.write(name, new.encode("utf-8"))
        return new

    def tidy(self) -> None:
        """Remove what was not used for longest, until no more is kept than may be."""
        if self._files is not None:
            self._files.tidy()


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
