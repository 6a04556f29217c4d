"""Bars under each other, each with its name above it: names too long to stand under upright bars."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import SERIES_COLOURS, finished
from adversity.report.charts.vega_parts import DOWN, coloured, layer, named, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["are_long", "bar_rows"]

_WIDE = 56
"""So many letters stand beside each other under a chart."""
_NAME, _BAR = 21, 13
"""Heights in a row: of the name, and of a bar of each series."""


def are_long(names: Sequence[str]) -> bool:
    """Say whether names would be turned upright, and cut, under bars beside each other."""
    return max(map(len, names)) * len(names) > _WIDE


@lru_cache(maxsize=32)
def bar_rows(names: tuple[str, ...], *, x: str, rows: int) -> Mapping[str, Any]:
    """Return a row for each name, with a bar for each series.

    The records have the columns `row`, `label`, `series` and `value`.

    Args:
        names: The series, in the order of their colours; one has no legend.
        x: Axis title.
        rows: How many rows there are.
    """
    height = _NAME + _BAR * len(names)
    down = {"y": {**DOWN["y"], "scale": {"padding": 0}}}
    offset = {"domain": list(names), "range": [_NAME, height - 2]}
    legend = {} if len(names) > 1 else {"legend": None}
    bar = layer(
        {"type": "bar"},
        down,
        yOffset={"field": "series", "type": "nominal", "scale": offset},
        x=numbers("value", x, scale={"zero": True}),
        x2={"datum": 0},
        color=named("series", coloured(names, SERIES_COLOURS), **legend),
    )
    label = {"field": "label", "type": "nominal"}
    text = {"type": "text", "align": "left", "baseline": "top", "dy": 4, "limit": 430}
    name = layer(text, {"y": {**down["y"], "bandPosition": 0}}, x={"value": 0}, text=label)
    first = {"field": "series", "equal": names[0]}
    layers = [bar, name | {"transform": [{"filter": first}]}]
    return finished({"layer": layers}, height=height * rows + 50 + 18 * len(names))
