"""Charts of a measure against a matrix variable, and along the paths where there is none."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.report.charts.caption_words import (
    counts_in_words,
    intervals_in_words,
    units_in_words,
)
from adversity.report.charts.chart_kinds import lines, points
from adversity.report.charts.chart_style import MAX_SERIES
from adversity.report.charts.chosen_series import chosen_series
from adversity.report.charts.log_scale import knee_of, knee_ticks, said_of
from adversity.report.values.blocks import Chart
from adversity.report.values.splits import split_text
from adversity.report.words.reading import (
    Figures,
    across,
    labels,
    measured,
    panel,
    record,
    slug,
    without_echoes,
)
from adversity.report.words.wording import (
    capital,
    measure_name,
    number,
    parse_number,
    plain,
    plural,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.charts.chosen_series import Matters
    from adversity.report.values.model import Report, StepSummary

_BETTER: Mapping[str, Matters] = {"higher": "largest", "lower": "smallest"}
__all__ = [
    "curve_charts",
    "is_degraded",
    "line_charts",
    "row_chart",
]


def curve_charts(
    report: Report,
    name: str,
    *,
    makes: Sequence[str] | None = None,
    prefer: str = "severity",
    without: Collection[str] = (),
) -> tuple[Chart, ...]:
    """Draw a measure for each path: against the matrix variable, or as rows without one.

    Steps in `without` are left out.
    """
    every = [item for item in measured(report, name, makes=makes) if item[0].id not in without]
    figures = without_echoes(report, every)
    split = split_text(report, (step.id for step, _, _ in figures))
    charts = _curves(report, name, figures, prefer) if figures else ()
    return tuple(replace(chart, caption=chart.caption + split) for chart in charts)


def _curves(report: Report, name: str, figures: Figures, prefer: str) -> tuple[Chart, ...]:
    names = labels(report, [step for step, _, _ in figures])
    axis = across((cell for _, cell, _ in figures), prefer)
    title, top = measure_name(name, figures[0][2]), figures[0][2].info.top
    unit, ends = units_in_words([measure for _, _, measure in figures]), _ends(figures[0][2])
    if axis is None:
        rows = [
            (_with(names[step.id], panel(cell.cell, None)), measure)
            for step, cell, measure in figures
        ]
        whole = capital(title) + unit
        return (row_chart(slug(name), capital(title), rows, top=top, axis=whole, ends=ends),)
    apart = [item for item in figures if axis not in item[1].cell and is_degraded(report, item[0])]
    figures = [item for item in figures if item not in apart]
    rows = [(_with(names[step.id], panel(cell.cell, None)), value) for step, cell, value in apart]
    without, key = f"{capital(title)} without {plain(axis)}", slug(f"{name}-apart")
    single = (
        (row_chart(key, without, rows, top=top, axis=without + unit, ends=ends),) if rows else ()
    )
    records = []
    for step, cell, measure in figures:
        x = 0.0 if axis not in cell.cell else parse_number(cell.cell[axis])
        if x is None:
            continue
        series = _with(names[step.id], panel(cell.cell, axis))
        records.append(record(measure, series=series, x=x))
    return (
        line_charts(
            records,
            key=slug(f"{name}-by-{axis}"),
            title=capital(f"{title} by {plain(axis)}"),
            x=plain(axis) + _clean_at_zero(figures, axis),
            y=title + unit,
            top=top,
            intervals=intervals_in_words([measure for _, _, measure in figures]),
            matters=_BETTER.get(figures[0][2].better or ""),
        )
        + single
    )


def _ends(measure: Measure) -> tuple[float | None, float | None]:
    """Return the ends of a measure's range, None for one that is infinite."""
    low, high = (
        end if math.isfinite(end) else None for end in (measure.info.low, measure.info.high)
    )
    return low, high


def is_degraded(report: Report, step: StepSummary) -> bool:
    """Say whether a step's images went through a degradation: then it is not the clean end."""
    kinds = {item.id: item.kind for item in report.steps}
    return any(kinds.get(name) == "degradation" for name in step.path)


def line_charts(
    records: Sequence[Mapping[str, Any]],
    *,
    key: str,
    title: str,
    x: str,
    y: str,
    intervals: str,
    top: float | None = 1.0,
    form: Callable[..., Mapping[str, Any]] = lines,
    counted: str = "point",
    matters: Matters | None = None,
) -> tuple[Chart, ...]:
    """Make line charts from records, at most `MAX_SERIES` series in each.

    Args:
        records: With `series`, `x` and the columns of a measure.
        key: The charts' id.
        title: The heading.
        x: Title of the x axis.
        y: Title of the y axis.
        intervals: What the bands are, and what else the caption says.
        top: Where the y axis of a share ends; None where y is none.
        form: How they are drawn: `lines` or `staircase`.
        counted: What the `n` of a record belongs to.
        matters: Draw one chart of the series with the largest, or smallest, values, and say which
            are left out; None for a chart for each `MAX_SERIES`.
    """
    drawable, lost = _drawable(records)
    records, left = chosen_series(drawable, matters) if matters and drawable else (drawable, "")
    names = list(dict.fromkeys(item["series"] for item in records))
    beyond = _beyond(records) if form is lines and top is None else None
    scaled = form if beyond is None else partial(form, beyond=beyond)
    groups = [names[start : start + MAX_SERIES] for start in range(0, len(names), MAX_SERIES)]
    charts = []
    for index, group in enumerate(groups):
        own = sorted(
            (item for item in records if item["series"] in group),
            key=lambda item: (names.index(item["series"]), item["x"]),
        )
        part = f" ({index + 1} of {len(groups)})" if len(groups) > 1 else ""
        spots = sorted({item["x"] for item in own})
        charts.append(
            Chart(
                id=key if index == 0 else f"{key}-{index + 1}",
                title=title + part,
                finding=f"{title}: " + "; ".join(_course(own, name) for name in group) + ".",
                caption=f"{intervals} {counts_in_words(own, counted)}{left}{lost}"
                + said_of(beyond and beyond[0]),
                records=tuple(own),
                spec=scaled(tuple(group), x=x, y=y, top=top, ticks=tuple(spots)),
                heads={"series": "path", "x": x, "value": y, "low": "low", "high": "high"},
            )
        )
    return tuple(charts)


def row_chart(
    key: str,
    title: str,
    rows: Sequence[tuple[str, Measure]],
    *,
    top: float | None = 1.0,
    zero: bool = False,
    axis: str = "",
    extra: Sequence[Mapping[str, Any]] = (),
    ends: tuple[float | None, float | None] = (None, None),
) -> Chart:
    """Make a chart with a row for each measure.

    Args:
        key: The chart's id.
        title: The heading and axis title.
        rows: Label and measure.
        top: Where the axis of a share ends; None where the values are none.
        zero: Draw a line at 0.
        axis: The axis title, where it is not the heading.
        extra: More columns for each row (`limit`, `state`).
        ends: Where the axis begins and ends, if the measure's range says so and it is no share.
    """
    more = extra or [{} for _ in rows]
    drawable, lost = _drawable(
        record(
            measure,
            row=index,
            label=plain(label),
            state=columns.get("state", "plain"),
            limit=columns.get("limit"),
        )
        for index, ((label, measure), columns) in enumerate(zip(rows, more, strict=True))
    )
    records = tuple(drawable)
    limits = any(item["limit"] is not None for item in records)
    beyond = None if top or limits else _beyond(records)
    words = "; ".join(f"{label} {number(written(measure).value)}" for label, measure in rows)
    return Chart(
        id=key,
        title=title,
        finding=plain(f"{title}: {words}."),
        caption=f"{intervals_in_words([measure for _, measure in rows])} {counts_in_words(records)}{lost}"
        + said_of(beyond and beyond[0]),
        records=records,
        spec=points(
            x=axis or title,
            rows=len(rows),
            top=top,
            zero=zero,
            limits=limits,
            ends=ends,
            beyond=beyond,
        ),
        heads={"label": "what", "value": axis or title, "limit": "limit"},
    )


def _drawable(records: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], str]:
    """Return the records that have a place on an axis, and words on those that have none.

    A median distance or a PSNR can be infinite: such a point is left to the tables, and an
    interval with an infinite end is not drawn.
    """
    drawable: list[Mapping[str, Any]] = []
    lost = 0
    for item in records:
        ends = (item["low"], item["high"])
        if not math.isfinite(item["value"]):
            lost += 1
            continue
        if not all(map(math.isfinite, ends)):
            lost += 1
            item = {**item, "low": item["value"], "high": item["value"]}
        drawable.append(item)
    return (
        drawable,
        f" Not drawn: {plural(lost, 'infinite value')}, see the tables." if lost else "",
    )


def _beyond(records: Sequence[Mapping[str, Any]]) -> tuple[float, tuple[float, ...]] | None:
    """Return where the scale of values becomes logarithmic, and its ticks; None for a plain one."""
    knee = knee_of(item["value"] for item in records)
    if knee is None:
        return None
    return knee, knee_ticks((item[name] for item in records for name in ("low", "high")), knee)


def _course(records: Sequence[Mapping[str, Any]], name: str) -> str:
    own = [item for item in records if item["series"] == name]
    first, last = own[0], own[-1]
    if len(own) == 1:
        return f"{name} is {number(first['value'])}"
    word = "falls" if last["value"] < first["value"] else "rises"
    if last["value"] == first["value"]:
        word = "stays"
    return (
        f"{name} {word} from {number(first['value'])} at {first['x']:g} "
        f"to {number(last['value'])} at {last['x']:g}"
    )


def _clean_at_zero(figures: Figures, axis: str) -> str:
    without = any(axis not in cell.cell for _, cell, _ in figures)
    return f" (at 0: without {plain(axis)})" if without else ""


def _with(name: str, rest: str) -> str:
    return f"{name}, {rest}" if rest else name
