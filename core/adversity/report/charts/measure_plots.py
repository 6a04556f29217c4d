"""Charts of the plots that measures bring along, whatever the measures are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.contracts.plot import Plot
from adversity.report.charts.chart_kinds import lines, staircase
from adversity.report.charts.chart_style import MAX_SERIES, SERIES_COLOURS, finished
from adversity.report.charts.curve_points import rounded, seen_points
from adversity.report.charts.curves import line_charts
from adversity.report.charts.named_bars import named_bars
from adversity.report.charts.spreads import spreads
from adversity.report.charts.vega_parts import layer, numbers, share
from adversity.report.values.blocks import Chart
from adversity.report.values.splits import split_text
from adversity.report.words.reading import grouped, labels, measured, panel, slug
from adversity.report.words.wording import (
    capital,
    measure_name,
    measure_text,
    number,
    plain,
    plural,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.charts.vega_parts import Spec
    from adversity.report.values.model import Report

__all__ = ["measure_plots"]

_MOST = 6
"""More plots of one measure than this are left to the JSON of the report."""
_MOST_OF_CURVES = 2
"""More charts of the curves of one measure: each curve is hundreds of points, twice on the page."""
_CURVES = ("line", "steps")
_NEARLY_ALL = 0.9
_Placed = tuple[str, str, "Measure", Plot]
"""A plot: what the images went through, its step, and the measure that brings it."""


def measure_plots(report: Report, group: str) -> Iterator[Chart]:
    """Draw the plots of the measures of a group: curves in one chart, else one for each cell."""
    for name in grouped(report.steps, group):
        every = measured(report, name, each_seed=True)
        boxed = {step.id for _, group in spreads(report, name) for step, *_ in group}
        figures = [item for item in every if "plot" in item[2].details and item[0].id not in boxed]
        names = labels(report, [step for step, _, _ in figures])
        plots = []
        for step, cell, measure in figures:
            where = ", ".join(part for part in (names[step.id], panel(cell.cell, None)) if part)
            plots.append((where, step.id, measure, Plot.from_json(measure.details["plot"])))
        split = split_text(report, (step.id for step, _, _ in figures))
        charts = (
            *_all_bars(name, [item for item in plots if not _is_curve(item[3])]),
            *_all_curves(name, [item for item in plots if _is_curve(item[3])]),
        )
        yield from (replace(chart, caption=chart.caption + split) for chart in charts)


def _is_curve(plot: Plot) -> bool:
    """Say whether a plot is drawn as a line: several histograms would hide each other as bars."""
    return plot.form in _CURVES or isinstance(plot.y, Mapping)


def _all_bars(name: str, plots: Sequence[_Placed]) -> Iterator[Chart]:
    """Draw as many charts as a page holds; the last one says what is left out.

    Bars that bear the same names in several cells stand side by side in one chart.
    """
    alike: dict[object, list[_Placed]] = {}
    for placed in plots:
        plot = placed[3]
        names = (plot.x_title, plot.y_title, *plot.x) if plot.form == "bars" else len(alike)
        alike.setdefault(names, []).append(placed)
    charts = [
        group[start : start + MAX_SERIES]
        for group in alike.values()
        for start in range(0, len(group), MAX_SERIES)
    ]
    left = sum(map(len, charts[_MOST:]))
    for at, group in enumerate(charts[:_MOST]):
        chart = _one_plot(name, *group[0]) if len(group) == 1 else _side_by_side(name, group)
        more = f" {plural(left, 'more plot')}: in the JSON of this report."
        note = more if left > 0 and at == _MOST - 1 else ""
        yield replace(chart, caption=chart.caption + note)


def _one_plot(name: str, where: str, step: str, measure: Measure, plot: Plot) -> Chart:
    title = measure_name(name, measure)
    finding = plain(f"{title} of {where} is {measure_text(measure)}.")
    return _bars(plot, slug(f"{name}-plot-{step}-{where}"), capital(f"{title}: {where}"), finding)


def _side_by_side(name: str, plots: Sequence[_Placed]) -> Chart:
    """Draw bars with the same names, those of each cell in a colour of its own."""
    where, step, measure, plot = plots[0]
    title, x, y = (
        measure_name(name, measure),
        plain(plot.x_title or "x"),
        plain(plot.y_title or "y"),
    )
    series = tuple(place for place, *_ in plots)
    low, high = (pick(plots, key=lambda placed: placed[2].value) for pick in (min, max))
    return named_bars(
        {place: own for place, _, _, own in plots},
        id=slug(f"{name}-plot-{step}-{where}"),
        title=capital(title),
        finding=plain(
            f"{title} is lowest for {low[0]}, {measure_text(low[2])}, and highest for {high[0]}, "
            f"{measure_text(high[2])}."
        ),
        caption=f"{plural(len(plot.x), 'bar')} for each of {len(series)}.",
        heads={"series": "path", "name": x, "label": x, "value": y},
    )


def _all_curves(name: str, plots: Sequence[_Placed]) -> Iterator[Chart]:
    """Draw plots with the same axes into one chart."""
    curves: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for where, _, measure, plot in plots:
        title, x = measure_name(name, measure), plain(plot.x_title or "x")
        key = (plot.form, title, x, plain(plot.y_title or "y"))
        own = curves.setdefault(key, [])
        for curve, values in plot.curves.items():
            series = ", ".join(part for part in (where, plain(curve)) if part)
            # A histogram goes on to its last edge.
            ends = [*values, values[-1]] if plot.form == "histogram" else values
            own.extend(
                {"series": series, "x": place, "value": y, "low": y, "high": y, "n": measure.n}
                for place, y in zip(plot.x, ends, strict=True)
            )
    for at, ((form, title, x, y), records) in enumerate(curves.items()):
        charts = line_charts(
            records,
            key=slug(f"{name}-plot" + (f"-{at + 1}" if at else "")),
            title=capital(title),
            x=x,
            y=y,
            intervals="As the measure gives it.",
            top=None,
            form=partial(_curves_alone, lines if form == "line" else staircase),
            counted="measure",
        )
        left = len({item["series"] for item in records}) - _MOST_OF_CURVES * MAX_SERIES
        for index, chart in enumerate(charts[:_MOST_OF_CURVES]):
            more = f" {plural(left, 'more curve')}: in the JSON of this report."
            note = more if left > 0 and index == _MOST_OF_CURVES - 1 else ""
            points = tuple(_points(chart.records, straight=form == "line"))
            yield replace(chart, caption=chart.caption + note, records=points)


def _points(records: Sequence[Mapping[str, Any]], *, straight: bool) -> Iterator[dict[str, Any]]:
    """Yield the points of curves that can be seen, without intervals, which curves have none of."""
    every = [0.0, *(item["value"] for item in records)]
    curves: dict[str, list[Mapping[str, Any]]] = {}
    for item in records:
        curves.setdefault(item["series"], []).append(item)
    for series, own in curves.items():
        x, y = ([item[name] for item in own] for name in ("x", "value"))
        seen = seen_points(x, y, height=max(every) - min(every)) if straight else range(len(own))
        for at in seen:
            yield {"series": series, "x": rounded(x[at]), "value": rounded(y[at])}


def _curves_alone(
    form: Callable[..., Mapping[str, Any]], *names: Any, ticks: Sequence[float] = (), **more: Any
) -> Spec:
    """Return a form without a mark at each point and without intervals, which a curve has none of.

    Hundreds of points for each of many curves would make a page of tens of megabytes. The axis ends
    where the curves do: one of shares does not go from -0.1 to 1.1.
    """
    spec = form(*names, ticks=tuple(ticks), **more)
    line = next(view for view in spec["layer"] if view["mark"]["type"] == "line")
    encoding = {**line["encoding"], "x": {**line["encoding"]["x"], "scale": _across(ticks)}}
    return {**spec, "layer": [{**line, "name": "first", "encoding": encoding}]}


def _across(places: Sequence[float]) -> Spec:
    """Return the scale of an axis along curves: from 0 to 1 where these are shares up to 1."""
    shares = min(places) >= 0 and _NEARLY_ALL <= max(places) <= 1
    return share(1.0) if shares else {"zero": False, "nice": False}


def _bars(plot: Plot, key: str, title: str, finding: str) -> Chart:
    """Draw bars with names, or a histogram whose bars reach from edge to edge."""
    x, y = plain(plot.x_title or "x"), plain(plot.y_title or "y")
    (heights,) = plot.curves.values()
    chart: dict[str, Any] = {
        "id": key,
        "title": title,
        "finding": finding,
        "caption": f"{plural(len(heights), 'bar')}, the highest {number(max(heights))}.",
        "heads": {"name": x, "label": x, "from": f"{x}, from", "to": f"{x}, to", "value": y},
    }
    if plot.form == "bars":
        return named_bars({"": plot}, **chart)
    edges = zip(plot.x[:-1], plot.x[1:], heights, strict=True)
    records = tuple({"from": low, "to": high, "value": value} for low, high, value in edges)
    # A bar with two ends across stands on nothing by itself: it would be a strip.
    across = {"x": numbers("from", x), "x2": {"field": "to"}, "y2": {"datum": 0}}
    bars = {"type": "bar", "color": SERIES_COLOURS[0]}
    spec = finished(layer(bars, across, y=numbers("value", y, scale={"zero": True})))
    return Chart(**chart, records=records, spec=spec)
