"""Bars with names: beside each other, or under each other where the names are long."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import SERIES_COLOURS, TEXT, finished
from adversity.report.charts.rows_beside import room, rows_beside, width_beside
from adversity.report.charts.vega_parts import (
    DOWN,
    coloured,
    layer,
    named,
    names_beside,
    numbers,
)
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
_MANY, _COLUMNS, _LONGEST, _CELL = 16, 12, 28, 24
"""More bars than this are a matrix of so many columns at most, whose rows have so long names and are
so high."""


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
    if not several and (pairs := _pairs(names)):
        return _matrix(pairs, next(iter(plots.values())).curves[""], **chart)
    bars = [
        {"row": row, "name": name, "series": one, "value": plot.curves[""][row]}
        for one, plot in plots.items()
        for row, name in enumerate(names)
    ]
    if _are_long(names):
        records = [
            {"label" if key == "name" else key: value for key, value in bar.items()} for bar in bars
        ]
        spec = _bar_rows(series, x=heads["value"], rows=len(names), beside=width_beside(names))
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


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return row and column of each of many names that are all pairs of two lists; else nothing.

    The cells of two variables are named so: `snow, 1` of 15 corruptions at 5 severities.
    """
    pairs = [(first, last) for first, _, last in (name.rpartition(", ") for name in names)]
    rows, columns = ({pair[at] for pair in pairs} for at in (0, 1))
    whole = len({*pairs}) == len(pairs) == len(rows) * len(columns)
    fits = 1 < len(columns) <= _COLUMNS and len(rows) > 1 and max(map(len, rows)) <= _LONGEST
    return pairs if whole and fits and len(pairs) > _MANY else []


def _matrix(pairs: Sequence[tuple[str, str]], values: Sequence[float], **chart: Any) -> Chart:
    """Draw numbers on a ground that is the stronger the higher they are, as a row for each name."""
    records = tuple(
        {"name": row, "column": column, "value": value}
        for (row, column), value in zip(pairs, values, strict=True)
    )
    low, high = min(values), max(values)
    down, _, across = chart["heads"]["name"].rpartition(", ")
    heads = {"name": down or across, "column": across, "value": chart["heads"]["value"]}
    caption = f"{len(values)} values; the stronger the colour, the higher: {low:.4g} to {high:.4g}."
    rows = len(dict.fromkeys(row for row, _ in pairs))
    spec = _grounds(rows, low=low, high=high if high > low else low + 1)
    return Chart(**{**chart, "heads": heads, "caption": caption}, records=records, spec=spec)


@lru_cache(maxsize=32)
def _grounds(rows: int, *, low: float, high: float) -> Mapping[str, Any]:
    """Return a ground and a number for each row and column.

    The records have the columns `name`, `column` and `value`.
    """
    names = {"title": None, "domain": False, "ticks": False, "labelColor": TEXT}
    places: dict[str, Any] = {
        "y": {
            "field": "name",
            "type": "nominal",
            "sort": None,
            "axis": {**names, "labelLimit": 200},
        },
        "x": {
            "field": "column",
            "type": "nominal",
            "sort": None,
            "axis": {**names, "orient": "top", "labelAngle": 0},
        },
    }
    strength = {"scale": {"domain": [low, high], "range": [0.04, 0.55]}, "legend": None}
    ground = layer(
        {"type": "rect", "color": SERIES_COLOURS[0]},
        places,
        opacity={"field": "value", "type": "quantitative", **strength},
    )
    said = layer(
        {"type": "text"},
        places,
        text={"field": "value", "type": "quantitative", "format": ".3~g"},
    )
    return finished({"layer": [ground, said], "padding": room(150)}, height=_CELL * rows + 40)


@lru_cache(maxsize=32)
def _bar_rows(names: tuple[str, ...], *, x: str, rows: int, beside: int = 0) -> Mapping[str, Any]:
    """Return a row for each name, with a bar for each series.

    The records have the columns `row`, `label`, `series` and `value`.

    Args:
        names: The series, in the order of their colours; one has no legend.
        x: Axis title.
        rows: How many rows there are.
        beside: In so many pixels names stand in front of their bars; 0 for names above them.
    """
    if beside:
        return _bars_beside(names, x=x, rows=rows, width=beside)
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


def _bars_beside(names: tuple[str, ...], *, x: str, rows: int, width: int) -> Mapping[str, Any]:
    """Return a row for each name, in so many pixels in front of its bars."""
    height = _BAR * len(names) + 7
    offset = {"domain": list(names), "range": [3, height - 4]}
    legend = {} if len(names) > 1 else {"legend": None}
    bars = layer(
        {"type": "bar"},
        {"y": {**DOWN["y"], "scale": {"padding": 0}}},
        yOffset={"field": "series", "type": "nominal", "scale": offset},
        x=numbers("value", x, scale={"zero": True}),
        x2={"datum": 0},
        color=named("series", coloured(names, SERIES_COLOURS), **legend),
    )
    label = names_beside(width) | {
        "transform": [{"filter": {"field": "series", "equal": names[0]}}]
    }
    label["encoding"]["y"] = bars["encoding"]["y"]
    more = 18 * len(names) if len(names) > 1 else 0
    return rows_beside([label, bars], rows=rows, width=width, row=height, more=more)
