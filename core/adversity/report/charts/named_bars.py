"""Bars with names: beside each other, or under each other where the names are long."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import SERIES_COLOURS, finished
from adversity.report.charts.vega_parts import DOWN, coloured, layer, named, numbers
from adversity.report.values.blocks import Chart
from adversity.report.words.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.plot import Plot

__all__ = ["named_bars"]

_WIDE = 56
"""So many letters stand beside each other under a chart."""
_NAME, _BAR = 21, 13
"""Heights in a row: of the name, and of a bar of each series."""


def named_bars(plots: Mapping[str, Plot], **chart: Any) -> Chart:
    """Make a chart of bars with names.

    Names that would be turned upright, and cut, under bars beside each other stand above bars that
    lie, so that bars have their room.

    Args:
        plots: By series, all with the same names.
        **chart: What `Chart` has beside records and specification; of heads `name`, `label`, `value`.
    """
    series, heads = tuple(plots), chart["heads"]
    names = [plain(name) for name in next(iter(plots.values())).x]
    several = len(series) > 1
    bars = [
        {"row": row, "name": name, "series": one, "value": plot.curves[""][row]}
        for one, plot in plots.items()
        for row, name in enumerate(names)
    ]
    if _are_long(names):
        records = [
            {"label" if key == "name" else key: value for key, value in bar.items()} for bar in bars
        ]
        spec = _bar_rows(series, x=heads["value"], rows=len(names))
        return Chart(**chart, records=tuple(records), spec=spec)
    left = {"row"} if several else {"row", "series"}
    records = [
        {key: bar[key] for key in ("series", "name", "value") if key not in left} for bar in bars
    ]
    beside = {"xOffset": {"field": "series", "type": "nominal", "sort": list(series)}}
    colour = {"color": named("series", coloured(series, SERIES_COLOURS))}
    upright = layer(
        {"type": "bar"} if several else {"type": "bar", "color": SERIES_COLOURS[0]},
        x={
            "field": "name",
            "type": "nominal",
            "title": heads["name"],
            "sort": None,
            "axis": {"labelAngle": 0},
        },
        y=numbers("value", heads["value"], scale={"zero": True}),
        **({**beside, **colour} if several else {}),
    )
    return Chart(**chart, records=tuple(records), spec=finished(upright))


def _are_long(names: Sequence[str]) -> bool:
    """Say whether names would be turned upright, and cut, under bars beside each other."""
    return max(map(len, names)) * len(names) > _WIDE


@lru_cache(maxsize=32)
def _bar_rows(names: tuple[str, ...], *, x: str, rows: int) -> Mapping[str, Any]:
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
