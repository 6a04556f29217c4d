"""Arrays of numbers in MATLAB files of version 5, and nothing else of what such files may hold.

SciPy's reader is made for files one trusts: of copies with a few bytes changed it brings the process
down (SciPy 1.17.1, `loadmat`). This one checks each length before it reads, and maps what is not packed.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Variable", "variables_in"]

Array = np.ndarray[Any, Any]
_HEAD = 128
_MATRIX, _PACKED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
"""How values lie, by the type of their element."""
_CLASSES = {6: "double", 7: "single", 8: "int8", 9: "uint8", 10: "int16", 11: "uint16"}
_COMPLEX = 0x0800
_START = 4096
"""Bytes in which all that is said of a variable stands: its class, sizes and name."""
_CHUNK = 1 << 20
_RATIO = 1032
"""Deflate makes nothing smaller than by this factor, so a head that says more is not true."""
_MANY = 100
"""Variables of a file that are looked at."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a file, as its head describes it.

    Attributes:
        name: Its name.
        kind: Its class, such as `uint8`; `other` for what is no array of real numbers.
        sizes: Its sizes, the first of which runs fastest in the file.
        path, place, packed, start, length: Where it lies: file, offset, bytes there if it is packed
            (else 0), and where in it the values begin, and how many bytes they are.
        dtype: How a value lies.
        whole: Bytes of the whole variable, unpacked.
    """

    name: str
    kind: str
    sizes: tuple[int, ...]
    path: Path
    place: int
    packed: int
    start: int
    length: int
    dtype: np.dtype[Any]
    whole: int

    def values(self) -> Array:
        """Return its values with the axes reversed: the last one runs fastest.

        What is packed is unpacked into memory, other values are mapped.

        Raises:
            ValueError: If it is cut off, or not what its head says.
        """
        if self.kind == "other" or math.prod(self.sizes) * self.dtype.itemsize != self.length:
            raise ValueError(f"{self.name} has not as many values as its sizes say")
        shape = self.sizes[::-1]
        if not self.packed:
            return np.memmap(self.path, self.dtype, "r", self.place + self.start, shape)
        if self.whole > _RATIO * self.packed:
            raise ValueError(f"{self.name} cannot hold {self.whole} bytes")
        with self.path.open("rb") as file:
            unpacked = _unpacked(file, self.place, self.packed, self.whole)
        if len(unpacked) != self.whole:
            raise ValueError(f"{self.name} holds {len(unpacked)} of {self.whole} bytes")
        flat = np.frombuffer(unpacked, self.dtype, math.prod(self.sizes), self.start)
        return flat.reshape(shape)


def variables_in(path: Path, where: str) -> dict[str, Variable]:
    """Return the variables of a file by name, without their values.

    Args:
        path: The file.
        where: What messages call it.

    Raises:
        DataError: If it is no file of version 5, or damaged.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head.startswith(b"MATLAB 7.3"):
            raise DataError(
                f"{where}: expected a MATLAB file of version 5 (`save -v6` or `-v7`), got version "
                "7.3, which is another format (HDF5); fetch the published file"
            )
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if order is None or not head.startswith(b"MATLAB 5.0"):
            raise DataError(
                f"{where}: expected a MATLAB file of version 5 (`save -v6` or `-v7`), got none; "
                "fetch it again"
            )
        try:
            return {one.name: one for one in _variables(file, path, order)}
        except (ValueError, struct.error, zlib.error, OverflowError) as error:
            raise DataError(
                f"{where}: expected a whole MATLAB file, got one that is damaged ({error}); fetch "
                "it again"
            ) from error


def _variables(file: BinaryIO, path: Path, order: str) -> Iterator[Variable]:
    end, place = path.stat().st_size, _HEAD
    for _ in range(_MANY):
        if place >= end:
            return
        file.seek(place)
        kind, size = struct.unpack(f"{order}II", file.read(8))
        if kind not in (_MATRIX, _PACKED):
            raise ValueError(f"an element of type {kind} where a variable should be")
        if place + 8 + size > end:
            raise ValueError(f"it ends {place + 8 + size - end} bytes too early")
        if kind == _PACKED:
            start = _unpacked(file, place + 8, size, _START)
            yield _variable(bytes(start), path, order, place + 8, size)
        else:
            file.seek(place)
            yield _variable(file.read(min(_START, 8 + size)), path, order, place, 0)
        place += 8 + size


def _variable(start: bytes, path: Path, order: str, place: int, packed: int) -> Variable:
    """Read what stands before the values: flags, sizes, name.

    Raises:
        ValueError: If it is something else.
    """
    kind, size = struct.unpack_from(f"{order}II", start)
    if kind != _MATRIX:
        raise ValueError(f"an element of type {kind} where a matrix should be")
    parts, at = [], 8
    for _ in range(3):
        _, begin, length, at = _element(start, order, at)
        if begin + length > len(start):
            raise ValueError("sizes or a name that are too long")
        parts.append(start[begin : begin + length])
    (flags,) = struct.unpack_from(f"{order}I", parts[0])
    sizes = tuple(int(one) for one in np.frombuffer(parts[1], f"{order}i4"))
    if not sizes or min(sizes) < 0:
        raise ValueError(f"the sizes {sizes}")
    code, begin, length, _ = _element(start, order, at) if at + 8 <= len(start) else (0, at, 0, at)
    real = flags & 0xFF in _CLASSES and not flags & _COMPLEX and code in _NUMBERS
    if real and begin + length > 8 + size:
        raise ValueError("values beyond their variable")
    return Variable(
        name=parts[2].decode("latin-1"),
        kind=_CLASSES[flags & 0xFF] if real else "other",
        sizes=sizes,
        path=path,
        place=place,
        packed=packed,
        start=begin,
        length=length,
        dtype=np.dtype(f"{order}{_NUMBERS[code]}" if real else "u1"),
        whole=8 + size,
    )


def _element(data: bytes, order: str, at: int) -> tuple[int, int, int, int]:
    """Return type, begin and length of an element's content, and where the next one begins."""
    kind, length = struct.unpack_from(f"{order}II", data, at)
    if kind >> 16:  # up to four bytes stand in the tag itself
        return kind & 0xFFFF, at + 4, min(kind >> 16, 4), at + 8
    return kind, at + 8, length, at + 8 + -(-length // 8) * 8


def _unpacked(file: BinaryIO, place: int, size: int, most: int) -> bytearray:
    """Unpack what lies at a place; what is longer than `most` bytes ends after one more.

    The checksum is tried where the end is reached.

    Raises:
        zlib.error: If it is damaged.
    """
    file.seek(place)
    stream, out = zlib.decompressobj(), bytearray()
    while size and not stream.eof:
        chunk = file.read(min(_CHUNK, size))
        if not chunk:
            break
        size -= len(chunk)
        while chunk and not stream.eof:
            out += stream.decompress(chunk, most + 1 - len(out))
            if len(out) > most:
                return out
            chunk = stream.unconsumed_tail
    return out
