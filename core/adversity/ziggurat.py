"""Many random numbers at once: NumPy's own, bit for bit, in a little more than half of the time.

NumPy's generator makes one number after the other, nearly always of one 32-bit word. Here words
are drawn together and worked on as arrays. The numbers are those that
`Generator.standard_normal` and `Generator.random` give in float32, and `Generator.integers` in
int64, and the stream stands afterwards where it would stand after them.

Reference: Marsaglia and Tsang, "The ziggurat method for generating random variables", 2000, with
256 layers and a word dealt out as NumPy does: 8 bits the layer, 1 the sign, 23 the place in it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Words = NDArray[np.uint32]
    Places = NDArray[np.intp]

__all__ = ["integers", "normals", "uniforms"]

_FEW = 4096
"""Up to here a loop in C is over before the arrays are made."""
_TRIAL = 1 << 16
"""Numbers that are compared with NumPy's first; of 998 of them one word does not settle them, and 20
are in the tail."""
_EDGE = 3.6541528853610088
"""Where the lowest layer ends and the tail begins."""
_AREA = 0.0049286732339746571
"""Of each layer, and of the lowest with the tail."""
_PLACES = 1 << 23
_INVERSE = np.float32(1 / _EDGE)
_SHARE = np.float32(2**-24)


def uniforms(stream: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Draw `[count]` float32 numbers in [0, 1), multiples of 2^-24."""
    if count <= _FEW or not _are_numpys():
        return stream.random(count, dtype=np.float32)
    return _uniforms(stream, count)


def _uniforms(stream: np.random.Generator, count: int) -> NDArray[np.float32]:
    words = _words(stream, count)
    words >>= np.uint32(8)
    numbers = words.view(np.int32).astype(np.float32)
    numbers *= _SHARE
    return numbers


def integers(stream: np.random.Generator, low: int, high: int, count: int) -> NDArray[np.int64]:
    """Draw `[count]` int64 numbers in [low, high)."""
    span = high - low
    power_of_two = 1 < span <= 1 << 31 and not span & (span - 1)
    if count <= _FEW or not power_of_two or not _are_numpys():
        return stream.integers(low, high, count)
    return _integers(stream, low, span, count)


def _integers(stream: np.random.Generator, low: int, span: int, count: int) -> NDArray[np.int64]:
    # The upper bits of a word; where the span is no power of two, some words are refused.
    words = _words(stream, count)
    words >>= np.uint32(32 - (span.bit_length() - 1))
    return words.astype(np.int64) + low


def normals(stream: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Draw `[count]` standard normal float32 numbers."""
    if count <= _FEW or not _are_numpys():
        return stream.standard_normal(count, dtype=np.float32)
    return _normals(stream, count)


@lru_cache(maxsize=1)
def _are_numpys() -> bool:
    """Draw some with NumPy, too: another version of it may draw others, and then it draws all."""
    if _log1pf() is None:
        return False
    ours, theirs = np.random.default_rng(_TRIAL), np.random.default_rng(_TRIAL)
    normal = theirs.standard_normal(_TRIAL, dtype=np.float32)
    uniform = theirs.random(_TRIAL, dtype=np.float32)
    integer = theirs.integers(-3, 13, _TRIAL)
    return bool(
        np.array_equal(_normals(ours, _TRIAL), normal)
        and np.array_equal(_uniforms(ours, _TRIAL), uniform)
        and np.array_equal(_integers(ours, -3, 16, _TRIAL), integer)
    )


def _normals(stream: np.random.Generator, count: int) -> NDArray[np.float32]:
    words, (scales, limits, _) = _words(stream, count), _layers()
    # The sign goes with the layer, as the ninth bit.
    layers = (words & np.uint32(511)).astype(np.intp)
    words >>= np.uint32(9)
    numbers = words.view(np.int32).astype(np.float32)
    numbers *= scales.take(layers)
    outside = np.flatnonzero(words >= limits.take(layers))
    left = _with_number(stream, numbers, words, layers, outside)
    made = numbers[left]
    more = stream.standard_normal(count - len(made), dtype=np.float32)
    return np.concatenate([made, more])


def _words(stream: np.random.Generator, count: int) -> Words:
    """Draw `[count]` 32-bit words; two are half of one of the generator's."""
    source = stream.bit_generator
    if source.state["has_uint32"]:
        # Half of one is left: they are drawn one by one.
        return stream.integers(0, 1 << 32, count, dtype=np.uint32)
    pairs: Words = source.random_raw(count // 2).astype("<u8", copy=False).view("<u4")
    if count % 2 == 0:
        return pairs
    return np.append(pairs, stream.integers(0, 1 << 32, 1, dtype=np.uint32))


@lru_cache(maxsize=1)
def _layers() -> tuple[Any, Any, Any]:
    """Return scale, signed, and limit of a place by layer and sign `[512]`, and heights `[256]`."""
    edges = np.full(256, _EDGE)
    for layer in range(254, 0, -1):
        edge = edges[layer + 1]
        edges[layer] = math.sqrt(-2 * math.log(_AREA / edge + math.exp(-0.5 * edge * edge)))
    edges[0] = _AREA / math.exp(-0.5 * _EDGE**2)
    # What lies under the layer above is under the curve; the uppermost one has none.
    inner = np.concatenate([[_EDGE, 0], edges[1:255]])
    scales = (edges / _PLACES).astype(np.float32)
    limits = np.rint(inner / edges * _PLACES).astype(np.uint32)
    heights = np.array([1.0, *(math.exp(-0.5 * edge * edge) for edge in edges[1:])], np.float32)
    return np.concatenate([scales, -scales]), np.tile(limits, 2), heights


def _with_number(
    stream: np.random.Generator,
    numbers: NDArray[np.float32],
    words: Words,
    layers: Places,
    outside: Places,
) -> NDArray[np.bool_]:
    """Settle the numbers that may lie above the curve.

    Args:
        stream: Where another word comes from, should the last number need it.
        numbers: `[n]`; those in the tail are written into it.
        words: `[n]`, the place of each.
        layers: `[n]`, layer and sign.
        outside: Which numbers, in order.

    Returns:
        Which of the `n` words give a number; the others are refused, or taken to settle one.
    """

    def share(at: int) -> float:
        if at < len(words):
            return (2 * int(words[at]) + (int(layers[at]) >> 8)) * 2**-24
        return float(stream.random(dtype=np.float32))

    left = np.ones(len(words) + 1, bool)
    tail, beside = (layers.take(outside) & 255) == 0, np.diff(outside, prepend=-2) == 1
    # Any other is the first word of a number, unless a tail took it.
    unsure = np.flatnonzero(tail | beside)
    for at, follows in zip(outside[unsure].tolist(), beside[unsure].tolist(), strict=True):
        if not left[at]:
            continue
        if follows and left[at - 1]:
            left[at] = False
        elif layers[at] & 255 == 0:
            far, end = _tail(share, at + 1)
            numbers[at] = -far if words[at] >> 8 & 1 else far
            left[at + 1 : end] = False
    first = outside[~tail & left.take(outside)]
    settling = first + 1
    left[settling] = False
    inside = settling[settling < len(words)]
    shares = (2 * words.take(inside) + (layers.take(inside) >> 8)).astype(np.float32) * _SHARE
    if len(inside) < len(first):
        shares = np.append(shares, np.float32(share(len(words))))
    low, high = (_layers()[2].take((layers.take(first) & 255) - step) for step in (0, 1))
    number = numbers.take(first).astype(np.float64)
    left[first[(high - low) * shares + low >= np.exp(-0.5 * number * number)]] = False
    return left[:-1]


def _tail(share: Callable[[int], float], at: int) -> tuple[np.float32, int]:
    """Return a number beyond the edge, from shares two by two, and where they end."""
    log1p = cast("Callable[[float], float]", _log1pf())
    while True:
        beyond = _INVERSE * -np.float32(log1p(-share(at)))
        height = -np.float32(log1p(-share(at + 1)))
        at += 2
        if height + height > beyond * beyond:
            return np.float32(_EDGE) + beyond, at


@lru_cache(maxsize=1)
def _log1pf() -> Callable[[float], float] | None:
    """Return log(1 + x) of the C library, which NumPy draws with, in its float32; None elsewhere.

    NumPy's own function and Python's round otherwise, in one of a few hundred values.
    """
    import ctypes

    try:
        found = ctypes.CDLL(None).log1pf
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes, found.restype = [ctypes.c_float], ctypes.c_float
    return cast("Callable[[float], float]", found)
