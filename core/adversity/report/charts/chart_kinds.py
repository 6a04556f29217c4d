"""The few chart forms of the report, written as Vega-Lite.

Written by hand, not through a builder: Altair takes longer to load and to check its own objects
than the page takes to draw. A test holds every form against the schema that Altair brings.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import AXIS, DASHES, SERIES_COLOURS, SHAPES, TEXT, finished
from adversity.report.charts.log_scale import logarithmic
from adversity.report.charts.rows_beside import rows_beside
from adversity.report.charts.vega_parts import (
    DOWN,
    INTERVAL,
    coloured,
    free,
    layer,
    named,
    names_beside,
    numbers,
    pickable,
    row_names,
    share,
    shown,
    silent,
    tooltip,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


__all__ = ["dumbbells", "lines", "points", "staircase"]

_MOST_TICKS = 8
_MOST_BANDS = 3
"""Where more series lie over each other, intervals are whiskers alone: bands would hide all."""


@lru_cache(maxsize=128)
def lines(
    names: tuple[str, ...],
    *,
    x: str,
    y: str,
    top: float | None = 1.0,
    ticks: tuple[float, ...] = (),
    beyond: tuple[float, tuple[float, ...]] | None = None,
) -> Mapping[str, Any]:
    """Return a line for each series with its interval as a whisker, and as a band for a few.

    The records have the columns `series`, `x`, `value`, `low`, `high`, `n`.

    Args:
        names: The series, in the order of their colours; at most `MAX_SERIES`.
        x: Title of the x axis.
        y: Title of the y axis.
        top: Where the y axis of a share ends, which begins at 0; None where y is none.
        ticks: Where the points are: the ticks of the x axis if they are few.
        beyond: Where the scale of y becomes logarithmic, and its ticks; None for a plain one.
    """
    legend = {"symbolOpacity": 1, "symbolSize": 110, "rowPadding": 1}
    up = logarithmic(*beyond) if beyond else {"scale": share(top) if top else {"zero": True}}
    base = {
        "x": numbers(
            "x",
            x,
            axis=_at(ticks) if 0 < len(ticks) <= _MOST_TICKS else {},
            scale={"zero": False, "padding": 12},
        ),
        "color": named("series", coloured(names, SERIES_COLOURS), legend=legend),
    }
    value = numbers("value", y, **up)
    interval = {"y": numbers("low", y, **up), "y2": {"field": "high"}}
    band = layer({"type": "area"}, base, interval, opacity=shown(0.18))
    whisker = layer({"type": "rule", "strokeWidth": 1.5}, base, interval, opacity=shown(0.7))
    line = layer(
        {"type": "line", "strokeWidth": 2},
        base,
        y=value,
        opacity=shown(1),
        strokeDash=named("series", coloured(names, DASHES)),
    )
    dots = layer(
        {"type": "point", "filled": True, "size": 70, "opacity": 1},
        base,
        y=value,
        opacity=shown(1),
        shape=named("series", coloured(names, SHAPES)),
        tooltip=tooltip(("series", "series", "N"), ("x", x, "N"), *INTERVAL),
    )
    layers = [band, whisker, line, dots] if len(names) <= _MOST_BANDS else [whisker, line, dots]
    return finished(pickable(layers), height=_height(names))


@lru_cache(maxsize=128)
def points(
    *,
    x: str,
    rows: int,
    top: float | None = 1.0,
    zero: bool = False,
    limits: bool = False,
    ends: tuple[float | None, float | None] = (None, None),
    beyond: tuple[float, tuple[float, ...]] | None = None,
    beside: int = 0,
) -> Mapping[str, Any]:
    """Return a forest plot: a row for each record with its point, interval and limit.

    The records have the columns `row`, `label`, `value`, `low`, `high`, `n`, `state`, and
    `limit` or None.

    Args:
        x: Axis title.
        rows: How many rows there are.
        top: Where the x axis of a share ends, which begins at 0; None where x is none.
        zero: Draw a line at 0 (for differences).
        limits: Mark each record's limit; at least one has one.
        ends: Where an axis that is no share's begins and ends; None where the values decide. With
            either, 0 is on it, so that one value alone has a scale.
        beyond: Where the scale becomes logarithmic, and its ticks; None for a plain one.
        beside: In so many pixels names stand in front of their rows; 0 for names above them.
    """
    states = ("pass", "fail", "undecided", "plain")
    colours = ("#005A9C", "#A6290A", "#6B5200", SERIES_COLOURS[0])
    colour = silent("state", coloured(states, colours))
    plain = {"scale": share(top) if top else free(zero=zero, ends=ends)}
    along = logarithmic(*beyond) if beyond else plain
    whisker = layer(
        {"type": "rule", "strokeWidth": 2.5},
        DOWN,
        x=numbers("low", x, **along),
        x2={"field": "high"},
        color=colour,
    )
    dot = layer(
        {"type": "point", "filled": True, "size": 90, "opacity": 1},
        DOWN,
        x=numbers("value", x, **along),
        color=colour,
        shape=silent("state", coloured(states, SHAPES)),
        tooltip=tooltip(("label", "what", "N"), *INTERVAL, ("limit", "limit", "Q")),
    )
    limit = layer(
        {"type": "tick", "thickness": 3, "size": 16, "color": TEXT},
        DOWN,
        x={"field": "limit", "type": "quantitative"},
        tooltip=tooltip(("label", "what", "N"), ("limit", "limit", "Q")),
    )
    names = names_beside(beside) if beside else row_names(-8)
    layers = [names, whisker, *([limit] if limits else []), dot]
    if zero:
        layers.insert(0, layer({"type": "rule", "color": AXIS}, x={"datum": 0}))
    if not beside:
        return finished({"layer": layers}, height=38 * rows + 56)
    return rows_beside(layers, rows=rows, width=beside)


@lru_cache(maxsize=128)
def staircase(
    names: tuple[str, ...],
    *,
    x: str,
    y: str,
    top: float | None = 1.0,
    ticks: tuple[float, ...] = (),
    log: bool = False,
) -> Mapping[str, Any]:
    """Return a falling step for each series: what holds at x holds until the next record.

    The records have the columns of `lines`.

    Args:
        names: The series, in the order of their colours; at most `MAX_SERIES`.
        x: Title of the x axis.
        y: Title of the y axis.
        top: Where the y axis of a share ends, which begins at 0; None where y is none.
        ticks: Where the records are: they say how far a logarithmic axis goes.
        log: Counts that span decades: 0, then each decade as wide as the next.
    """
    legend = {"symbolOpacity": 1, "symbolType": "stroke", "symbolStrokeWidth": 3, "rowPadding": 1}
    scale = share(top) if top else {"zero": True}
    place = {"type": "symlog", "constant": 1} if log else {"nice": False}
    decades = {"values": _decades(max(ticks, default=1.0)), "format": ",d"} if log else {}
    base = {
        "x": numbers("x", x, scale=place, axis=decades),
        "color": named("series", coloured(names, SERIES_COLOURS), legend=legend),
    }
    value = {"field": "value", "type": "quantitative"}
    step = {"interpolate": "step-after"}
    band = layer(
        {"type": "area", **step},
        base,
        y=numbers("low", y, scale=scale),
        y2={"field": "high"},
        opacity=shown(0.14),
    )
    line = layer(
        {"type": "line", "strokeWidth": 2, **step},
        base,
        y=value,
        opacity=shown(1),
        strokeDash=named("series", coloured(names, DASHES)),
    )
    spots = layer(
        {"type": "point", "filled": True, "size": 120, "opacity": 0},
        base,
        y=value,
        tooltip=tooltip(("series", "series", "N"), ("x", x, "Q"), *INTERVAL),
    )
    return finished(pickable([band, line, spots]), height=_height(names))


def _at(ticks: Sequence[float]) -> dict[str, Any]:
    """Return an axis with a tick at each place, each written in full.

    The format that Vega takes by itself is that of evenly spaced ticks: it writes 0.05 as 0.1 where
    the next one is 0.5.
    """
    return {"values": list(ticks), "format": ".6~g"}


def _height(names: Sequence[str]) -> int:
    """Return a height that leaves the curves their room under a legend of so many rows."""
    return 270 + 18 * max(0, len(names) - 2)


def _decades(most: float) -> list[int]:
    """Return 0, 1, 10, 100 and so on, up to the decade that holds `most`."""
    ticks = [0, 1]
    while ticks[-1] < most:
        ticks.append(10 * ticks[-1])
    return ticks


@lru_cache(maxsize=32)
def dumbbells(names: tuple[str, str], *, x: str, rows: int) -> Mapping[str, Any]:
    """Return a row for each pair of shares: both with their intervals, and a bar between them.

    The records have the columns `row`, `label`, `series`, `value`, `low`, `high`, `n`.

    Args:
        names: The two series.
        x: Axis title.
        rows: How many rows there are.
    """
    scale = {"domain": [0, 1]}
    colour = named("series", coloured(names, (SERIES_COLOURS[1], SERIES_COLOURS[0])))
    value = numbers("value", x, scale=scale)
    bar = layer(
        {"type": "line", "strokeWidth": 7, "color": AXIS, "opacity": 0.4},
        DOWN,
        x=value,
        detail={"field": "row", "type": "ordinal"},
    )
    whisker = layer(
        {"type": "rule", "strokeWidth": 1.5, "opacity": 0.7},
        DOWN,
        x=numbers("low", x, scale=scale),
        x2={"field": "high"},
        color=colour,
    )
    dots = layer(
        {"type": "point", "filled": True, "size": 110, "opacity": 1},
        DOWN,
        color=colour,
        shape=named("series", coloured(names, ("square", "circle"))),
        x=value,
        tooltip=tooltip(("label", "what", "N"), ("series", "where", "N"), *INTERVAL),
    )
    first = {"field": "series", "equal": names[0]}
    layers = [bar, whisker, dots, row_names(-9) | {"transform": [{"filter": first}]}]
    return finished({"layer": layers}, height=38 * rows + 96)
