"""The reliability diagram: accuracy against confidence, and how many images each bin holds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import AXIS, MUTED, SERIES_COLOURS, finished
from adversity.report.charts.vega_parts import layer, numbers, tooltip

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["reliability"]

_FLOOR, _HIGHEST = -0.3, 0.24
"""Below 0, where no accuracy lies, stands the histogram: from where, and how high the fullest bin."""
_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]


@lru_cache(maxsize=32)
def reliability(most: int | None = None) -> Mapping[str, Any]:
    """Return a reliability diagram: a dot for each bin in use, and a histogram under them.

    The records have the columns `confidence`, `accuracy`, `low`, `high`, `n`, and `from` and `to`,
    the edges of the bin, where they are known.

    Args:
        most: The number of images in the fullest bin; None for no histogram: the edges are unknown.
    """
    across, up = {"domain": [0, 1]}, {"domain": [_FLOOR if most else 0, 1], "nice": False}
    accuracy, ticks = "accuracy in the bin", {"values": _TICKS}
    ideal = layer(
        {"type": "line", "color": AXIS, "strokeDash": [5, 4]},
        x={"field": "a", "type": "quantitative", "scale": across},
        y={"field": "b", "type": "quantitative", "scale": up},
    ) | {"data": {"values": [{"a": 0, "b": 0}, {"a": 1, "b": 1}]}}
    base = {
        "x": numbers("confidence", "mean confidence in the bin", scale=across),
        "color": {"value": SERIES_COLOURS[0]},
    }
    whisker = layer(
        {"type": "rule", "strokeWidth": 2},
        base,
        y=numbers("low", accuracy, scale=up, axis=ticks),
        y2={"field": "high"},
    )
    dots = layer(
        {"type": "point", "filled": True, "size": 90, "opacity": 1},
        base,
        y=numbers("accuracy", accuracy, scale=up, axis=ticks),
        tooltip=tooltip(
            ("confidence", "confidence", "Q"),
            ("accuracy", "accuracy", "Q"),
            ("low", "low", "Q"),
            ("high", "high", "Q"),
            ("n", "n", "N"),
        ),
    )
    if most is None:
        return finished({"layer": [ideal, whisker, dots]}, height=340)
    words = layer(
        {"type": "text", "align": "left", "baseline": "middle", "color": MUTED},
        x={"field": "a", "type": "quantitative", "scale": across},
        y={"field": "b", "type": "quantitative", "scale": up},
        text={"value": f"images in each bin, at most {most:,}"},
    ) | {"data": {"values": [{"a": 0.01, "b": _FLOOR + _HIGHEST}]}}
    bars = layer(
        {"type": "bar", "color": SERIES_COLOURS[0], "opacity": 0.35},
        x=numbers("from", "mean confidence in the bin", scale=across),
        x2={"field": "to"},
        y=numbers("bar", accuracy, scale=up, axis=ticks),
        y2={"datum": _FLOOR},
    ) | {"transform": [{"calculate": f"{_FLOOR} + {_HIGHEST} * datum.n / {most}", "as": "bar"}]}
    return finished({"layer": [ideal, bars, words, whisker, dots]}, height=400)
