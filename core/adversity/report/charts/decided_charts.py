"""Forms of charts of what was decided: points of several series in named rows, estimates."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_kinds import lines
from adversity.report.charts.chart_style import AXIS, SERIES_COLOURS, SHAPES, finished
from adversity.report.charts.vega_parts import (
    INTERVAL,
    coloured,
    layer,
    named,
    numbers,
    pickable,
    shown,
    tooltip,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["against_truth", "claimed_and_true", "point_rows"]

_POINT = 11
"""Height of a point in a row."""
_STATES = ("held", "missed", "no interval")


@lru_cache(maxsize=32)
def point_rows(
    names: tuple[str, ...], labels: tuple[str, ...], *, x: str, y: str
) -> Mapping[str, Any]:
    """Return a row for each label, with a point and its interval for each series.

    The records have the columns `name`, `series`, `value`, `low`, `high` and `n`.

    Args:
        names: The series, in the order of their colours; at most `MAX_SERIES`.
        labels: The rows from above down.
        x: Title of the axis of values.
        y: What the rows are.
    """
    legend = {"symbolOpacity": 1, "symbolSize": 110, "rowPadding": 1}
    scale = {"zero": True}
    base: dict[str, Any] = {
        "y": {
            "field": "name",
            "type": "nominal",
            "title": y,
            "sort": list(labels),
            "axis": {"labelLimit": 120, "grid": True},
            "scale": {"paddingInner": 0.2},
        },
        "yOffset": {
            "field": "series",
            "type": "nominal",
            "sort": list(names),
            "bandPosition": 0.5,
        },
        "color": named("series", coloured(names, SERIES_COLOURS), legend=legend),
    }
    whisker = layer(
        {"type": "rule", "strokeWidth": 2},
        base,
        x=numbers("low", x, scale=scale),
        x2={"field": "high"},
        opacity=shown(0.8),
    )
    dot = layer(
        {"type": "point", "filled": True, "size": 60, "opacity": 1},
        base,
        x=numbers("value", x, scale=scale),
        opacity=shown(1),
        shape=named("series", coloured(names, SHAPES)),
        tooltip=tooltip(("name", y, "N"), ("series", "series", "N"), *INTERVAL),
    )
    height = len(labels) * (8 + _POINT * len(names)) + 60 + 20 * len(names)
    return finished(pickable([whisker, dot]), height=height)


@lru_cache(maxsize=32)
def against_truth(*, x: str, y: str, ends: tuple[float, float], bars: bool) -> Mapping[str, Any]:
    """Return estimates against true numbers, with their intervals and the line of no error.

    The records have the columns `true`, `value`, `low`, `high` and `state`.

    Args:
        x: Title of the axis of true numbers.
        y: Title of the axis of estimates.
        ends: Between which both lie.
        bars: There are intervals.
    """
    colours = (SERIES_COLOURS[0], SERIES_COLOURS[1], SERIES_COLOURS[0])
    states = _STATES[:2] if bars else _STATES[2:]
    chosen = colours[:2] if bars else colours[2:]
    across, up = {"zero": False, "domain": list(ends)}, {"zero": False}
    legend = {"legend": {"symbolOpacity": 1} if bars else None}
    base: dict[str, Any] = {
        "x": numbers("true", x, scale=across),
        "color": named("state", coloured(states, chosen), **legend),
    }
    ideal = layer(
        {"type": "line", "color": AXIS, "strokeDash": [5, 4]},
        x={"field": "a", "type": "quantitative", "scale": across},
        y={"field": "a", "type": "quantitative", "scale": up},
    ) | {"data": {"values": [{"a": end} for end in ends]}}
    bar = layer(
        {"type": "rule", "strokeWidth": 1.5, "opacity": 0.45},
        base,
        y=numbers("low", y, scale=up),
        y2={"field": "high"},
    )
    dot = layer(
        {"type": "point", "filled": True, "size": 36, "opacity": 1},
        base,
        y=numbers("value", y, scale=up),
        shape=named("state", coloured(states, SHAPES), **legend),
        tooltip=tooltip(
            ("true", "true", "Q"),
            ("value", "estimated", "Q"),
            ("low", "low", "Q"),
            ("high", "high", "Q"),
        ),
    )
    return finished({"layer": [ideal, *([bar] if bars else []), dot]}, height=340)


def claimed_and_true(names: tuple[str, ...], *, x: str, y: str, end: float) -> Mapping[str, Any]:
    """Return errors against claimed standard deviations, with the line where both are equal.

    The records are those of `lines`.

    Args:
        names: The series.
        x: Title of the axis of claimed deviations.
        y: Title of the axis of errors.
        end: The largest claim.
    """
    spec = lines(names, x=x, y=y, top=None)
    ideal = layer(
        {"type": "line", "color": AXIS, "strokeDash": [5, 4]},
        x={"field": "a", "type": "quantitative"},
        y={"field": "a", "type": "quantitative"},
    ) | {"data": {"values": [{"a": 0}, {"a": end}]}}
    across = {"zero": True, "nice": True}
    views = [
        {**view, "encoding": {**view["encoding"], "x": {**view["encoding"]["x"], "scale": across}}}
        for view in spec["layer"]
    ]
    return {**spec, "layer": [*views, ideal]}
