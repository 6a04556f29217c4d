"""Small drawings of a board: a point with its interval, a figure over runs; as SVG in its colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

    from adversity.contracts.values import Measure
    from adversity.report.values.board import Trend

__all__ = ["forest", "trend"]

_WIDTH = 180
"""Of a row's drawing, in pixels; `board.css` has the same number."""
_TREND = 44
_STEP = 26
"""Between two runs of a trend."""
_MOST = 24
"""So many runs of a trend are drawn, the last ones."""


def forest(measure: Measure, ends: tuple[float, float]) -> Markup:
    """Draw a value with its interval between two ends; what is infinite is not drawn.

    A board of a hundred runs has thousands of these: size, and the line they stand on, are in the
    style sheet.

    Args:
        measure: As it is written.
        ends: What the row spans.
    """
    from markupsafe import Markup

    parts = []
    if measure.low is not None and measure.high is not None:
        low, high = (_along(end, ends, _WIDTH) for end in (measure.low, measure.high))
        parts.append(f'<path d="M{low:.0f} 9H{high:.0f}"/>')
    if math.isfinite(measure.value):
        parts.append(f'<circle cx="{_along(measure.value, ends, _WIDTH):.0f}" cy="9" r="4"/>')
    return Markup(f'<svg class="mark row" aria-hidden="true">{"".join(parts)}</svg>')


def trend(one: Trend) -> Markup:
    """Draw a figure over the last runs: points with their intervals, and its limit as a line."""
    points = one.points[-_MOST:]
    ends = _span(one, points)
    width = _STEP * max(1, len(points) - 1) + 16
    parts = []
    if one.limit is not None and math.isfinite(one.limit):
        level = _TREND - _along(one.limit, ends, _TREND)
        parts.append(f'<line class="limit" x1="0" x2="{width}" y1="{level:.1f}" y2="{level:.1f}"/>')
    joined = []
    for at, (measure, verdict) in enumerate(points):
        if measure is None or not math.isfinite(measure.value):
            continue
        x = 8 + _STEP * at
        y = _TREND - _along(measure.value, ends, _TREND)
        joined.append(f"{x},{y:.1f}")
        if measure.low is not None and measure.high is not None:
            low, high = (_TREND - _along(end, ends, _TREND) for end in (measure.low, measure.high))
            parts.append(
                f'<line class="whisker" x1="{x}" x2="{x}" y1="{low:.1f}" y2="{high:.1f}"/>'
            )
        parts.append(_mark(x, y, verdict))
    parts.insert(0, f'<polyline class="joined" points="{" ".join(joined)}"/>')
    return _drawing(width, _TREND, parts)


def _mark(x: float, y: float, verdict: str) -> str:
    """Draw a point; one whose gate did not hold is a square, so that colour is not alone."""
    state = verdict if verdict in ("pass", "fail", "undecided", "error") else "none"
    if state in ("fail", "error"):
        return f'<rect class="dot {state}" x="{x - 4}" y="{y - 4:.1f}" width="8" height="8"/>'
    return f'<circle class="dot {state}" cx="{x}" cy="{y:.1f}" r="4"/>'


def _span(one: Trend, points: tuple[tuple[Measure | None, str], ...]) -> tuple[float, float]:
    values = [one.limit] if one.limit is not None else []
    for measure, _ in points:
        if measure is not None:
            values += [end for end in (measure.value, measure.low, measure.high) if end is not None]
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _along(value: float, ends: tuple[float, float], length: float) -> float:
    """Return where a value lies on a line, with room for half a point at its ends."""
    share = min(1.0, max(0.0, (value - ends[0]) / (ends[1] - ends[0])))
    return 5 + share * (length - 10)


def _drawing(width: float, height: float, parts: list[str]) -> Markup:
    from markupsafe import Markup

    # Every part is made of numbers and of our own words.
    return Markup(
        f'<svg class="mark" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-hidden="true">{"".join(parts)}</svg>'
    )
