"""The few chart forms of the report as Vega-Lite, made through Altair."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import AXIS, DASHES, SERIES_COLOURS, SHAPES, TEXT, finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["dumbbells", "lines", "points", "reliability", "staircase"]

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
) -> Mapping[str, Any]:
    """Return a line for each series with its interval as a whisker, and as a band for a few.

    The records have the columns `series`, `x`, `value`, `low`, `high`, `n`.

    Args:
        names: The series, in the order of their colours; at most `MAX_SERIES`.
        x: Title of the x axis.
        y: Title of the y axis.
        top: Where the y axis of a share ends, which begins at 0; None where y is none.
        ticks: Where the points are: the ticks of the x axis if they are few.
    """
    import altair as alt

    picked = alt.selection_point(name="picked", fields=["series"], bind="legend")
    legend = alt.Legend(symbolOpacity=1, symbolSize=110, rowPadding=1)
    series = alt.Color("series:N", scale=_scale(names, SERIES_COLOURS), title=None, legend=legend)
    axis = alt.Axis(values=list(ticks)) if 0 < len(ticks) <= _MOST_TICKS else alt.Axis()
    scale = alt.Scale(domain=[0, _end(top)]) if top else alt.Scale(zero=True)
    across = alt.X("x:Q", title=x, axis=axis, scale=alt.Scale(zero=False, padding=12))
    base = alt.Chart().encode(x=across, color=series)
    band = base.mark_area().encode(
        y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", opacity=_shown(picked, 0.18)
    )
    whisker = base.mark_rule(strokeWidth=1.5).encode(
        y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", opacity=_shown(picked, 0.7)
    )
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("value:Q", title=y, scale=scale),
        opacity=_shown(picked, 1),
        strokeDash=alt.StrokeDash("series:N", scale=_scale(names, DASHES), title=None),
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q", title=y, scale=scale),
        opacity=_shown(picked, 1),
        shape=alt.Shape("series:N", scale=_scale(names, SHAPES), title=None),
        tooltip=_tooltip(("series", "series", "N"), ("x", x, "N"), *_INTERVAL),
    )
    layers = [band, whisker, line, dots] if len(names) <= _MOST_BANDS else [whisker, line, dots]
    return finished(alt.layer(*layers).add_params(picked), height=_height(names))


@lru_cache(maxsize=128)
def points(
    *,
    x: str,
    rows: int,
    top: float | None = 1.0,
    zero: bool = False,
    limits: bool = False,
    ends: tuple[float | None, float | None] = (None, None),
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
    """
    import altair as alt

    states = ("pass", "fail", "undecided", "plain")
    colours = ("#005A9C", "#A6290A", "#6B5200", SERIES_COLOURS[0])
    colour = alt.Color("state:N", scale=_scale(states, colours), legend=None)
    scale = alt.Scale(domain=[0, _end(top)]) if top else _free(zero=zero, ends=ends)
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
        shape=alt.Shape("state:N", scale=_scale(states, SHAPES), legend=None),
        tooltip=_tooltip(("label", "what", "N"), *_INTERVAL, ("limit", "limit", "Q")),
    )
    limit = base.mark_tick(thickness=3, size=16, color=TEXT).encode(
        x="limit:Q", tooltip=_tooltip(("label", "what", "N"), ("limit", "limit", "Q"))
    )
    layers = [name, whisker, limit, dot] if limits else [name, whisker, dot]
    if zero:
        layers.insert(0, alt.Chart().mark_rule(color=AXIS).encode(x=alt.datum(0)))
    return finished(alt.layer(*layers), height=38 * rows + 56)


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
    import altair as alt

    picked = alt.selection_point(name="picked", fields=["series"], bind="legend")
    legend = alt.Legend(symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=3, rowPadding=1)
    scale = alt.Scale(domain=[0, _end(top)]) if top else alt.Scale(zero=True)
    place = alt.Scale(type="symlog", constant=1) if log else alt.Scale(nice=False)
    axis = alt.Axis(values=_decades(max(ticks, default=1.0)), format=",d") if log else alt.Axis()
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=x, scale=place, axis=axis),
        color=alt.Color("series:N", scale=_scale(names, SERIES_COLOURS), title=None, legend=legend),
    )
    band = base.mark_area(interpolate="step-after").encode(
        y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", opacity=_shown(picked, 0.14)
    )
    line = base.mark_line(strokeWidth=2, interpolate="step-after").encode(
        y=alt.Y("value:Q"),
        opacity=_shown(picked, 1),
        strokeDash=alt.StrokeDash("series:N", scale=_scale(names, DASHES), title=None),
    )
    spots = base.mark_point(filled=True, size=120, opacity=0).encode(
        y=alt.Y("value:Q"),
        tooltip=_tooltip(("series", "series", "N"), ("x", x, "Q"), *_INTERVAL),
    )
    return finished((band + line + spots).add_params(picked), height=_height(names))


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
    import altair as alt

    scale = alt.Scale(domain=[0, 1])
    down = alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.1, paddingOuter=0.3))
    colours = (SERIES_COLOURS[1], SERIES_COLOURS[0])
    base = alt.Chart().encode(y=down)
    name = base.mark_text(align="left", baseline="bottom", dy=-9, fontSize=13, limit=430).encode(
        x=alt.value(0), text="label:N"
    )
    bar = base.mark_line(strokeWidth=7, color=AXIS, opacity=0.4).encode(
        x=alt.X("value:Q", title=x, scale=scale), detail="row:O"
    )
    coloured = base.encode(
        color=alt.Color("series:N", scale=_scale(names, colours), title=None),
        shape=alt.Shape("series:N", scale=_scale(names, ("square", "circle")), title=None),
    )
    whisker = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=alt.X("low:Q", title=x, scale=scale),
        x2="high:Q",
        color=alt.Color("series:N", scale=_scale(names, colours), title=None),
    )
    dots = coloured.mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.X("value:Q", title=x, scale=scale),
        tooltip=_tooltip(("label", "what", "N"), ("series", "where", "N"), *_INTERVAL),
    )
    first = name.transform_filter(alt.datum.series == names[0])
    return finished(alt.layer(bar, whisker, dots, first), height=38 * rows + 96)


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
    return finished(alt.layer(ideal, whisker, dots), height=340)


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


def _free(*, zero: bool, ends: tuple[float | None, float | None]) -> Any:
    """Return the scale of values that are no shares, as far as their ends are known."""
    import altair as alt

    low, high = ends
    fixed = {} if low is None else {"domainMin": low}
    fixed |= {} if high is None else {"domainMax": high}
    return alt.Scale(zero=zero or bool(fixed), padding=10, **fixed)


def _end(top: float) -> float:
    """Write a whole end of an axis without a point."""
    return int(top) if top == int(top) else top
