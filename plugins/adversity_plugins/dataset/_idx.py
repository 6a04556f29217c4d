"""The idx format of MNIST's files, plain or packed with gzip."""

from __future__ import annotations

import gzip
import math
import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity import ProjectFolder

__all__ = ["idx_in"]

Array = np.ndarray[Any, Any]
_TYPES: dict[str, tuple[int, np.dtype[Any]]] = {
    "ubyte": (0x08, np.dtype(np.uint8)),
    "int": (0x0C, np.dtype(">i4")),
}
"""The third byte of a file, and how its numbers lie in it."""
_PACKED = b"\x1f\x8b"
_RATIO = 1032
"""Deflate makes nothing smaller than by this factor, so a head that says more is not true."""


def idx_in(
    folder: ProjectFolder,
    name: str,
    files: Sequence[str],
    *,
    numbers: Literal["ubyte", "int"],
    inner: tuple[int, ...],
) -> tuple[Array, str]:
    """Map an idx file into memory, or unpack it there once if it is packed.

    Args:
        folder: Where it lies.
        name: Its published name without `.gz`, such as `t10k-images-idx3-ubyte`; the spelling
            `t10k-images.idx3-ubyte` is found, too.
        files: What lies in the folder.
        numbers: Of what type its numbers are.
        inner: The sizes behind the first axis, `(28, 28)`.

    Returns:
        Its values `[N, *inner]`, read-only, and the file's name for messages.

    Raises:
        DataError: If there is no such file, it is none of that format, cut off, or too long.
    """
    found = _found(folder, name, files)
    where, path = f"{folder.text}/{found}", folder.path / found
    code, dtype = _TYPES[numbers]
    magic = bytes([0, 0, code, 1 + len(inner)])
    length = len(magic) + 4 * (1 + len(inner))
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _PACKED
        head = _start(path, length, packed=packed)
        if head[:4] != magic:
            raise DataError(
                f"{where}: expected an idx file that begins with {magic.hex()}, {numbers} in "
                f"{1 + len(inner)} dimensions, got {head[:4].hex() or 'nothing'}; it is another "
                "file, fetch it again"
            )
        if len(head) < length:
            raise DataError(
                f"{where}: expected a head of {length} bytes, got {len(head)}; fetch it again"
            )
        sizes = tuple(int(size) for size in np.frombuffer(head[4:], ">u4"))
        if sizes[1:] != inner:
            raise DataError(f"{where}: expected {_shape(('N', *inner))}, got {_shape(sizes)}")
        needed = length + math.prod(sizes) * dtype.itemsize
        if packed:
            values = _unpacked(path, needed, where)[length:]
            return np.frombuffer(values, dtype).reshape(sizes), where
        _require_size(where, path.stat().st_size, needed)
        if not sizes[0]:
            return np.zeros(sizes, dtype), where
        return np.memmap(path, dtype, mode="r", offset=length, shape=sizes), where
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: cannot be read ({error}); fetch it again") from error


def _found(folder: ProjectFolder, name: str, files: Sequence[str]) -> str:
    """Return the file of that name: unpacked, if both are there.

    Raises:
        DataError: If there is none.
    """
    dotted = ".idx".join(name.rsplit("-idx", 1))
    for spelling in (name, dotted, f"{name}.gz", f"{dotted}.gz"):
        if spelling in files:
            return spelling
    hint = did_you_mean(name, files, "check `path`: it names the folder with the idx files")
    raise DataError(f"{folder.text}: expected {name} or {name}.gz, found no such file; {hint}")


def _start(path: Path, length: int, *, packed: bool) -> bytes:
    with gzip.open(path) if packed else path.open("rb") as file:
        start: bytes = file.read(length)
    return start


def _unpacked(path: Path, needed: int, where: str) -> bytes:
    """Unpack a file, no further than its head says.

    Raises:
        DataError: If it holds less, or more.
    """
    if needed > _RATIO * path.stat().st_size:
        _require_size(where, 0, needed)
    with gzip.open(path) as file:
        values = file.read(needed + 1)
    _require_size(where, len(values), needed)
    return values


def _require_size(where: str, got: int, needed: int) -> None:
    if got != needed:
        what = "more" if got > needed else "a file that was cut off"
        raise DataError(
            f"{where}: expected {needed} bytes, as its head says, got {what}; fetch it again"
        )


def _shape(sizes: Sequence[object]) -> str:
    return " x ".join(map(str, sizes))
