"""A measure against a variable, with what a metric folded over others as curves and boxes of its own.

The figure of the literature on calibration under shift: at each severity a box for each method, over
all corruptions. A mean alone hides the corruption that breaks a model.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.plot import Plot
from adversity.report.charts.caption_words import (
    direction_in_words,
    intervals_in_words,
    units_in_words,
)
from adversity.report.charts.chart_style import MAX_SERIES, SERIES_COLOURS, SHAPES, finished
from adversity.report.charts.curves import curve_charts, line_charts
from adversity.report.charts.vega_parts import (
    coloured,
    layer,
    named,
    numbers,
    pickable,
    share,
    shown,
    tooltip,
)
from adversity.report.values.blocks import Chart
from adversity.report.values.splits import split_text
from adversity.report.words.reading import across, measured, panel, record, slug
from adversity.report.words.wording import (
    capital,
    measure_name,
    number,
    parse_number,
    plain,
    plural,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["Spread", "boxes", "charts_of", "spreads"]

_FEWEST = 5
"""Of fewer values no quartile says more than the values themselves."""
Spread = tuple["StepSummary", "CellResult", "Measure", Plot]
"""A measure over folded cells: its step, its cell, itself, and a bar for each folded cell."""


def spreads(report: Report, name: str) -> list[tuple[str, list[Spread]]]:
    """Return what of a measure is drawn as boxes, each group with the variable it is drawn against.

    That are bars with the same names, five or more, in more cells than one chart of bars can hold,
    where these cells lie along a number.
    """
    alike: dict[tuple[object, ...], list[Spread]] = {}
    for step, cell, measure in measured(report, name, each_seed=True):
        if step.kind != "metric" or "plot" not in measure.details:
            continue
        plot = Plot.from_json(measure.details["plot"])
        if plot.form == "bars" and len(plot.x) >= _FEWEST:
            names = (plot.x_title, plot.y_title, *plot.x)
            alike.setdefault(names, []).append((step, cell, measure, plot))
    groups = []
    for group in alike.values():
        axis = across((cell for _, cell, *_ in group), "severity")
        if axis is not None and len(group) > MAX_SERIES:
            groups.append((axis, [item for item in group if axis in item[1].cell]))
    return groups


def charts_of(report: Report, name: str, *, makes: Sequence[str] | None = None) -> Iterator[Chart]:
    """Draw a measure: what was folded first, where boxes say more, then the rest as `curve_charts`.

    The cells that are folded are what the boxes are made of, and are not drawn again.
    """
    groups = spreads(report, name)
    folding = {id_ for _, group in groups for step, *_ in group for id_ in (step.id, *step.source)}
    for axis, group in groups:
        split = split_text(report, (step.id for step, *_ in group))
        charts = (*_lines(name, axis, group), *_boxes(name, axis, group))
        yield from (replace(chart, caption=chart.caption + split) for chart in charts)
    yield from curve_charts(report, name, makes=makes, without=folding)


def _lines(name: str, axis: str, group: Sequence[Spread]) -> tuple[Chart, ...]:
    """Draw what the metric makes of the folded cells, a line for each method."""
    first, plot = group[0][2], group[0][3]
    measures = [measure for _, _, measure, _ in group]
    title, folded = measure_name(name, first), plain(plot.x_title or "cell")
    return line_charts(
        [
            record(measure, series=_method(step, cell, axis), x=parse_number(cell.cell[axis]))
            for step, cell, measure, _ in group
        ],
        key=slug(f"{name}-of-{folded}-by-{axis}"),
        title=capital(f"{title} by {plain(axis)}, one figure for all {folded} values"),
        x=plain(axis),
        y=title + units_in_words(measures),
        top=first.info.top,
        intervals=direction_in_words(measures) + intervals_in_words(measures),
        counted="point, counted in cells",
    )


def _boxes(name: str, axis: str, group: Sequence[Spread]) -> Iterator[Chart]:
    """Draw a box for each method and each value of the axis, over the cells that were folded."""
    first, plot = group[0][2], group[0][3]
    records = [_record(axis, *item) for item in group]
    series = list(dict.fromkeys(item["series"] for item in records))
    parts = [series[at : at + MAX_SERIES] for at in range(0, len(series), MAX_SERIES)]
    folded = plain(plot.x_title or "cell")
    for at, own in enumerate(parts):
        drawn = sorted(
            (item for item in records if item["series"] in own),
            key=lambda item: (item["x"], series.index(item["series"])),
        )
        part = f" ({at + 1} of {len(parts)})" if len(parts) > 1 else ""
        title = capital(f"{measure_name(name, first)} by {plain(axis)}, over {folded}")
        yield Chart(
            id=slug(f"{name}-over-{folded}") + (f"-{at + 1}" if at else ""),
            title=title + part,
            finding=f"{title}: " + "; ".join(_course(drawn, one) for one in own) + ".",
            caption=_caption(group, folded),
            records=tuple(drawn),
            spec=boxes(
                tuple(own), x=plain(axis), y=plain(plot.y_title or name), top=first.info.top
            ),
            heads={
                "series": "method",
                "x": plain(axis),
                "low": "lowest",
                "lower": "lower quartile",
                "value": "median",
                "upper": "upper quartile",
                "high": "highest",
                "n": "cells",
            },
        )


def _record(
    axis: str, step: StepSummary, cell: CellResult, measure: Measure, plot: Plot
) -> dict[str, Any]:
    values = np.asarray(plot.curves[""], dtype=np.float64)
    low, lower, middle, upper, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return {
        "series": _method(step, cell, axis),
        "x": parse_number(cell.cell[axis]),
        "low": low,
        "lower": lower,
        "value": middle,
        "upper": upper,
        "high": high,
        "n": len(values),
    }


def _method(step: StepSummary, cell: CellResult, axis: str) -> str:
    """Name a method by the step that was folded, and by what its cell says beside the axis."""
    rest = panel(cell.cell, axis)
    name = plain(step.upstream or step.id)
    return f"{name}, {rest}" if rest else name


def _caption(group: Sequence[Spread], folded: str) -> str:
    """Say what a box is made of."""
    count = len(group[0][3].x)
    return (
        f"Each box: {plural(count, 'cell')}, one for each {folded}; the box holds the middle half of "
        "them, the mark is their median, the line reaches from the lowest to the highest. It shows "
        f"how unlike {folded} values are, and is no interval of an estimate."
    )


def _course(records: Sequence[Mapping[str, Any]], name: str) -> str:
    own = [item for item in records if item["series"] == name]
    first, last = own[0], own[-1]
    return (
        f"median of {name} {number(first['value'])} at {first['x']:g}, {number(last['value'])} at "
        f"{last['x']:g}"
    )


@lru_cache(maxsize=32)
def boxes(names: tuple[str, ...], *, x: str, y: str, top: float | None = 1.0) -> Mapping[str, Any]:
    """Return boxes side by side: at each x one for each series.

    The records have the columns `series`, `x`, `low`, `lower`, `value` (the median), `upper`, `high`
    and `n`.

    Args:
        names: The series, in the order of their colours; at most `MAX_SERIES`.
        x: Title of the x axis.
        y: Title of the y axis.
        top: Where the y axis of a share ends, which begins at 0; None where y is none.
    """
    scale = share(top) if top else {"zero": True}
    legend = {"symbolOpacity": 1, "symbolSize": 110, "rowPadding": 1}
    base: dict[str, Any] = {
        "x": {
            "field": "x",
            "type": "ordinal",
            "title": x,
            "axis": {"labelAngle": 0},
            "scale": {"paddingInner": 0.16},
        },
        "xOffset": {"field": "series", "type": "nominal", "sort": list(names)},
        "color": named("series", coloured(names, SERIES_COLOURS), legend=legend),
    }
    # A rule and a point stand at the start of a band, unless they are told to stand in its middle.
    centred = {**base, "xOffset": {**base["xOffset"], "bandPosition": 0.5}}
    box = layer(
        {"type": "bar"},
        base,
        y=numbers("lower", y, scale=scale),
        y2={"field": "upper"},
        opacity=shown(0.45),
    )
    line = layer(
        {"type": "rule", "strokeWidth": 1.5},
        centred,
        y=numbers("low", y, scale=scale),
        y2={"field": "high"},
        opacity=shown(0.8),
    )
    middle = layer(
        {"type": "point", "filled": True, "size": 50, "opacity": 1},
        centred,
        y=numbers("value", y, scale=scale),
        opacity=shown(1),
        shape=named("series", coloured(names, SHAPES)),
        tooltip=tooltip(
            ("series", "method", "N"),
            ("x", x, "N"),
            ("low", "lowest", "Q"),
            ("lower", "lower quartile", "Q"),
            ("value", "median", "Q"),
            ("upper", "upper quartile", "Q"),
            ("high", "highest", "Q"),
            ("n", "cells", "N"),
        ),
    )
    return finished(pickable([box, line, middle]), height=300 + 18 * max(0, len(names) - 2))
