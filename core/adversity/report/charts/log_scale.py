"""Scales that are linear about 0 and logarithmic beyond: where one huge value would flatten all."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["knee_of", "knee_ticks", "logarithmic", "said_of"]

_FLATTENED = 30
"""A value so many times the middle one leaves half of a chart's points a thirtieth of its height."""
_MOST_TICKS = 6


def knee_of(values: Iterable[float]) -> float | None:
    """Return where a scale shall become logarithmic, or None where a plain one shows everything.

    Example:
        >>> knee_of([2.0, 3.0, 900.0]), knee_of([2.0, 3.0, 9.0])
        (1.0, None)
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if not sizes or max(sizes) <= _FLATTENED * median(sizes):
        return None
    return float(10.0 ** math.floor(math.log10(median(sizes))))


def knee_ticks(values: Iterable[float], knee: float) -> tuple[float, ...]:
    """Return 0 and decades from the knee on, as far as values go on either side.

    Example:
        >>> knee_ticks([-3.0, 900.0], 1.0)
        (-10.0, -1.0, 0.0, 1.0, 10.0, 100.0, 1000.0)
    """
    seen = [value for value in values if math.isfinite(value)]
    below, above = (_decades(max(side, 0.0), knee) for side in (-min(seen), max(seen)))
    return (*(-tick for tick in reversed(below)), 0.0, *above)


def _decades(most: float, knee: float) -> list[float]:
    """Return the decades up to the one that holds `most`; every second one, where they are many."""
    if most <= 0:
        return []
    count = max(0, math.ceil(math.log10(most / knee))) + 1
    step = -(-count // _MOST_TICKS)
    return [float(f"{knee * 10**power:.12g}") for power in range(0, count, step)]


def logarithmic(knee: float, ticks: tuple[float, ...]) -> dict[str, Any]:
    """Return the scale and the axis of a channel, as Vega-Lite has them."""
    scale: Mapping[str, Any] = {"type": "symlog", "constant": knee, "nice": False}
    return {
        "scale": scale,
        "axis": {"values": list(ticks), "format": ",.12~g", "labelOverlap": False},
    }


def said_of(knee: float | None) -> str:
    """Say to the reader what the scale is; nothing of a plain one."""
    if knee is None:
        return ""
    return (
        f" The scale is logarithmic beyond {knee:g}, since one value is far larger than the others."
    )
