"""RGB of 32-bit floats in TIFF, which Pillow does not read: plain strips, not compressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity_plugins.dataset._read_images.layouts import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Strips", "strips_of"]

Array = np.ndarray[Any, Any]


class Strips:
    """Where the values of an image stand in its file."""

    def __init__(self, tags: Mapping[int, Any], order: str) -> None:
        """Take them from the tags of a page that `strips_of` has found fit."""
        self._order = order
        self._width, self._height = int(tags[256]), int(tags[257])
        self._places = tuple(zip(_many(tags[273]), _many(tags[279]), strict=True))

    def read(self, content: bytes) -> Array:
        """Return `[H, W, 3]` float32.

        Raises:
            Unreadable: If values are missing, or not in [0, 1].
        """
        wanted = self._width * self._height * 12
        claimed = sum(length for _, length in self._places)
        parts = [content[start : start + n] for start, n in self._places if claimed == wanted]
        body = b"".join(parts)  # no more than was asked for: strips that overlap are no bomb
        if len(body) != wanted:
            raise Unreadable(f"damaged: its strips hold no {wanted} bytes of colours")
        values = np.frombuffer(body, f"{self._order}f4").astype(np.float32)
        low, high = float(values.min()), float(values.max())
        if not 0.0 <= low <= high <= 1.0:  # NaN fails too
            raise Unreadable(f"floating-point values must lie in [0, 1], got {low:g} .. {high:g}")
        return values.reshape(self._height, self._width, 3)


def strips_of(tags: Mapping[int, Any], order: bytes) -> Strips | None:
    """Return the strips of a page of RGB floats, or None if it is anything else.

    Args:
        tags: Of the page.
        order: The file's first two bytes.
    """
    fits = (
        tags.get(262) == 2
        and tags.get(277) == 3
        and set(_many(tags.get(258))) == {32}
        and set(_many(tags.get(339))) == {3}
        and (tags.get(259, 1), tags.get(266, 1), tags.get(274, 1), tags.get(284, 1)) == (1, 1, 1, 1)
        and 338 not in tags
        and all(isinstance(tags.get(tag), int) and tags[tag] > 0 for tag in (256, 257))
        and len(_many(tags.get(273))) == len(_many(tags.get(279))) > 0
        and all(isinstance(n, int) for n in (*_many(tags.get(273)), *_many(tags.get(279))))
    )
    return Strips(tags, "<" if order == b"II" else ">") if fits else None


def _many(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
