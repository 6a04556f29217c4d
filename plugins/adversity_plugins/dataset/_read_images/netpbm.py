"""PBM, PGM and PPM, plain and raw, of every depth.

Pillow keeps 8 bits of a colour and does not see values above the stated maximum.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity_plugins.dataset._read_images.layouts import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode", "is_netpbm"]

Array = np.ndarray[Any, Any]
_SHALLOW, _DEEP, _PLAIN = 12, 24, 48
"""Bytes a pixel that are held at once beside the file."""
_COMMENT = re.compile(rb"#[^\n\r]*")
_FIELD = re.compile(rb"(?:\s|#[^\n\r]*)*(\d+)")


def is_netpbm(content: bytes) -> bool:
    """Say whether a file begins like one of the six formats."""
    return re.match(rb"P[1-6](?:\s|#)", content) is not None


def decode(content: bytes, require_room: Callable[[int, int, int], None]) -> Array:
    """Return the first image: `[H, W]` or `[H, W, 3]`, uint8 or float32 in [0, 1].

    Args:
        content: The file.
        require_room: Given width, height and bytes a pixel, refuses what is too large.

    Raises:
        Unreadable: If a value is missing or larger than the stated maximum.
    """
    kind = content[1] - ord("0")
    width, height, top, at = _header(content, bits=kind in (1, 4))
    if not (width and height and 0 < top < 65536):
        raise Unreadable(f"damaged: {width} x {height} pixels with a maximum of {top}")
    require_room(width, height, _PLAIN if kind < 4 else _DEEP if top > 255 else _SHALLOW)
    shape = (height, width, 3) if kind in (3, 6) else (height, width)
    values = _plain(content[at:], kind, shape) if kind < 4 else _raw(content, at, kind, top, shape)
    if kind in (1, 4):
        return (1 - values) * np.uint8(255)
    if int(values.max()) > top:
        raise Unreadable(f"damaged: a value of {values.max()}, but the maximum is {top}")
    if top > 255:
        return values.astype(np.float32) / np.float32(top)
    if top == 255:
        return values.astype(np.uint8)
    levels = np.array([round(level * 255 / top) for level in range(top + 1)], np.uint8)
    return levels[values]


def _header(content: bytes, *, bits: bool) -> tuple[int, int, int, int]:
    """Return width, height, maximum and where the pixels begin."""
    at, fields = 2, []
    for _ in range(2 if bits else 3):
        match = _FIELD.match(content, at)
        if match is None or len(match[1]) > 9:
            raise Unreadable("damaged: the header is not complete")
        fields.append(int(match[1]))
        at = match.end()
    return fields[0], fields[1], 1 if bits else fields[2], at + 1


def _plain(text: bytes, kind: int, shape: tuple[int, ...]) -> Array:
    """Read numbers as text; those of P1 need no space between them."""
    text = _COMMENT.sub(b" ", text)
    count = int(np.prod(shape))
    if kind == 1:
        digits = np.frombuffer(text.translate(None, b" \t\n\r\v\f")[:count], np.uint8) - np.uint8(
            ord("0")
        )
        if len(digits) < count or int(digits.max()) > 1:
            raise Unreadable(f"damaged: expected {count} digits 0 or 1")
        return digits.reshape(shape)
    if re.fullmatch(rb"[\d\s]*", text) is None:
        raise Unreadable("damaged: expected whole numbers")
    # Told how many values to find, NumPy makes up those that are missing.
    values = np.fromstring(text[: 16 * count + 2**16], np.int64, sep=" ")
    if len(values) < count:
        raise Unreadable(f"damaged: {len(values)} of {count} values")
    return values[:count].reshape(shape)


def _raw(content: bytes, at: int, kind: int, top: int, shape: tuple[int, ...]) -> Array:
    kind_of_value = np.dtype(">u2" if top > 255 else "u1")
    line = (shape[1] + 7) // 8 if kind == 4 else int(np.prod(shape[1:])) * kind_of_value.itemsize
    if len(content) < at + line * shape[0]:
        raise Unreadable(f"damaged: {max(0, len(content) - at)} of {line * shape[0]} bytes")
    if kind == 4:
        rows = np.frombuffer(content, np.uint8, line * shape[0], at).reshape(shape[0], line)
        return np.unpackbits(rows, axis=1)[:, : shape[1]]
    count = int(np.prod(shape))
    return np.frombuffer(content, kind_of_value, count, at).reshape(shape)
