"""Vega-Lite through Altair: the few chart forms of the report, and their static SVG.

One look for all: every chart is drawn at one width, so that text has one size on a page; the
colours are those of the light theme, and the page's style sheet maps them to the dark one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adversity.report.blocks import Chart

__all__ = ["MAX_SERIES", "SERIES_COLOURS", "lines", "points", "reliability", "svg", "with_data"]

SERIES_COLOURS = ("#0060C0", "#D55E00", "#009E73", "#D36BAE", "#4C370B", "#1B2128")
"""Six colours at 3:1 or better on white, told apart under the three colour blindnesses."""
MAX_SERIES = len(SERIES_COLOURS)
_DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4])
_SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")
TEXT, MUTED, GRID, AXIS = "#1C2229", "#55606C", "#D8DEE5", "#8A94A0"
_WIDTH, _HEIGHT = 440, 270
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": TEXT,
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": 500,
        "gridColor": GRID,
        "domainColor": AXIS,
        "tickColor": AXIS,
    },
    "legend": {
        "labelColor": TEXT,
        "labelFontSize": 13,
        "labelLimit": 400,
        "orient": "top",
        "direction": "vertical",
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "title": None,
    },
    "text": {"color": TEXT, "fontSize": 13},
}


@lru_cache(maxsize=128)
def lines(
    names: tuple[str, ...],
    *,
    x: str,
    y: str,
    share: bool = True,
    ticks: tuple[float, ...] = (),
) -> Mapping[str, Any]:
    """Return a line for each series with its interval as a band.

    The records have the columns `series`, `x`, `value`, `low`, `high`, `n`.

    Args:
        names: The series, in the order of their colours; at most `MAX_SERIES`.
        x: Title of the x axis.
        y: Title of the y axis.
        share: y is a share and its axis goes from 0 to 1.
        ticks: Where the x axis has ticks; wherever Vega likes if empty.
    """
    import altair as alt

    picked = alt.selection_point(name="picked", fields=["series"], bind="legend")
    legend = alt.Legend(symbolOpacity=1, symbolSize=110, rowPadding=1)
    series = alt.Color("series:N", scale=_scale(names, SERIES_COLOURS), title=None, legend=legend)
    axis = alt.Axis(values=list(ticks)) if ticks else alt.Axis()
    scale = alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=True)
    across = alt.X("x:Q", title=x, axis=axis, scale=alt.Scale(zero=False, padding=12))
    base = alt.Chart().encode(x=across, color=series)
    band = base.mark_area().encode(
        y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", opacity=_shown(picked, 0.18)
    )
    whisker = base.mark_rule(strokeWidth=1.5).encode(
        y="low:Q", y2="high:Q", opacity=_shown(picked, 0.7)
    )
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("value:Q"),
        opacity=_shown(picked, 1),
        strokeDash=alt.StrokeDash("series:N", scale=_scale(names, _DASHES), title=None),
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q"),
        opacity=_shown(picked, 1),
        shape=alt.Shape("series:N", scale=_scale(names, _SHAPES), title=None),
        tooltip=_tooltip(("series", "series", "N"), ("x", x, "N"), *_INTERVAL),
    )
    return _finished((band + whisker + line + dots).add_params(picked))


@lru_cache(maxsize=128)
def points(
    *, x: str, rows: int, share: bool = True, zero: bool = False, limits: bool = False
) -> Mapping[str, Any]:
    """Return a forest plot: a row for each record with its point, interval and limit.

    The records have the columns `row`, `label`, `value`, `low`, `high`, `n`, `state`, and
    `limit` or None.

    Args:
        x: Axis title.
        rows: How many rows there are.
        share: x is a share and its axis goes from 0 to 1.
        zero: Draw a line at 0 (for differences).
        limits: Mark each record's limit; at least one has one.
    """
    import altair as alt

    states = ("pass", "fail", "undecided", "plain")
    colours = ("#005A9C", "#A6290A", "#6B5200", SERIES_COLOURS[0])
    colour = alt.Color("state:N", scale=_scale(states, colours), legend=None)
    scale = alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=zero, padding=10)
    across = alt.X("value:Q", title=x, scale=scale)
    down = alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.1, paddingOuter=0.3))
    base = alt.Chart().encode(y=down)
    name = base.mark_text(align="left", baseline="bottom", dy=-8, fontSize=13, limit=430).encode(
        x=alt.value(0), text="label:N"
    )
    whisker = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title=x, scale=scale), x2="high:Q", color=colour
    )
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=across,
        color=colour,
        shape=alt.Shape("state:N", scale=_scale(states, _SHAPES), legend=None),
        tooltip=_tooltip(("label", "what", "N"), *_INTERVAL, ("limit", "limit", "Q")),
    )
    limit = base.mark_tick(thickness=3, size=16, color=TEXT).encode(
        x="limit:Q", tooltip=_tooltip(("label", "what", "N"), ("limit", "limit", "Q"))
    )
    layers = [name, whisker, limit, dot] if limits else [name, whisker, dot]
    if zero:
        layers.insert(0, alt.Chart().mark_rule(color=AXIS).encode(x=alt.datum(0)))
    return _finished(alt.layer(*layers), height=38 * rows + 56)


@lru_cache(maxsize=1)
def reliability() -> Mapping[str, Any]:
    """Return a reliability diagram: accuracy against confidence, a dot for each bin in use.

    The records have the columns `confidence`, `accuracy`, `low`, `high`, `n`.
    """
    import altair as alt

    unit = alt.Scale(domain=[0, 1])
    ideal = (
        alt.Chart(alt.Data(values=[{"a": 0, "b": 0}, {"a": 1, "b": 1}]))
        .mark_line(color=AXIS, strokeDash=[5, 4])
        .encode(x=alt.X("a:Q", scale=unit), y=alt.Y("b:Q", scale=unit))
    )
    across = alt.X("confidence:Q", title="mean confidence in the bin", scale=unit)
    base = alt.Chart().encode(x=across, color=alt.value(SERIES_COLOURS[0]))
    whisker = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="accuracy in the bin", scale=unit), y2="high:Q"
    )
    dots = base.mark_point(filled=True, opacity=1).encode(
        y=alt.Y("accuracy:Q", title="accuracy in the bin", scale=unit),
        size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[30, 260], zero=True)),
        tooltip=_tooltip(
            ("confidence", "confidence", "Q"),
            ("accuracy", "accuracy", "Q"),
            ("low", "low", "Q"),
            ("high", "high", "Q"),
            ("n", "n", "N"),
        ),
    )
    return _finished(alt.layer(ideal, whisker, dots), height=340)


_INTERVAL = (("value", "value", "Q"), ("low", "low", "Q"), ("high", "high", "Q"), ("n", "n", "N"))


def _shown(picked: Any, opacity: float) -> Any:
    """Fade a series that the reader has not picked in the legend."""
    import altair as alt

    return alt.condition(picked, alt.value(opacity), alt.value(opacity * 0.15))


def _tooltip(*fields: tuple[str, str, str]) -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip(f"{name}:{kind}", title=title, **({"format": ".4~g"} if kind == "Q" else {}))
        for name, title, kind in fields
    ]


def _scale(names: Sequence[str], values: Sequence[Any]) -> Any:
    import altair as alt

    return alt.Scale(domain=list(names), range=list(values[: len(names)]))


def _finished(chart: Any, *, height: int = _HEIGHT) -> dict[str, Any]:
    """Give a chart its size and look, and drop the data that Altair puts in."""
    spec: dict[str, Any] = chart.properties(
        width=_WIDTH, height=height, autosize={"type": "fit", "contains": "padding"}
    ).to_dict(validate=True)
    for part in (spec, *spec.get("layer", ())):
        if "values" not in part.get("data", {}) or part["data"]["values"] == [{}]:
            part.pop("data", None)
    spec.pop("datasets", None)
    return spec | {"config": _CONFIG}


def with_data(chart: Chart) -> dict[str, Any]:
    """Return the chart's specification with its records inside."""
    return {**chart.spec, "data": {"values": [dict(record) for record in chart.records]}}


def svg(chart: Chart) -> str:
    """Draw the chart as SVG that can stand among others in one page.

    Ids get the chart's name as prefix: clip paths of two drawings would collide. Text is
    escaped by the renderer; nothing of it is a link, a script or a style.
    """
    text = _drawn(json.dumps(_jsonable(with_data(chart))))
    text = re.sub(r'\bid="([^"]+)"', rf'id="{chart.id}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{chart.id}-\1)", text)


@lru_cache(maxsize=128)
def _drawn(spec: str) -> str:
    """Draw a specification once: page and markdown show the same charts."""
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(spec)
    return drawing


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value
