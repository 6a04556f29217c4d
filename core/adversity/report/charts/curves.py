"""Charts of a measure against a matrix variable, and along the paths where there is none."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.report.charts.caption_words import (
    counts_in_words,
    direction_in_words,
    intervals_in_words,
    units_in_words,
)
from adversity.report.charts.chart_kinds import lines
from adversity.report.charts.chart_style import MAX_SERIES
from adversity.report.charts.chosen_series import chosen_series
from adversity.report.charts.drawable import beyond_of, drawable
from adversity.report.charts.forest import few_rows, row_chart
from adversity.report.charts.log_scale import said_of
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.charts.chosen_series import Matters
    from adversity.report.values.model import Report, StepSummary

_BEST: Mapping[str, Matters] = {"higher": "largest", "lower": "smallest"}
_WORST: Mapping[str, Matters] = {"higher": "smallest", "lower": "largest"}
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
        return (_rows(slug(name), capital(title), rows, unit, top=top, ends=ends),)
    apart = [item for item in figures if axis not in item[1].cell and is_degraded(report, item[0])]
    figures = [item for item in figures if item not in apart]
    rows = [(_with(names[step.id], panel(cell.cell, None)), value) for step, cell, value in apart]
    without, key = f"{capital(title)} without {plain(axis)}", slug(f"{name}-apart")
    single = (_rows(key, without, rows, unit, top=top, ends=ends),) if rows else ()
    records, drawn = [], [measure for _, _, measure in figures]
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
            intervals=direction_in_words(drawn) + intervals_in_words(drawn),
            matters=_matters(report, figures, axis),
        )
        + single
    )


def _rows(
    key: str, title: str, rows: Sequence[tuple[str, Measure]], unit: str, **axis: Any
) -> Chart:
    """Draw a row for each figure; of many those at the ends."""
    chosen, left = few_rows(rows)
    chart = row_chart(key, title, chosen, axis=title + unit, **axis)
    return replace(chart, caption=chart.caption + left)


def _matters(report: Report, figures: Figures, axis: str) -> Matters | None:
    """Say which of many series are drawn: of methods the best, of conditions the worst.

    Fifteen corruptions of which the five mildest are drawn would look as if none did harm.
    """
    seen: dict[str, set[str]] = {}
    for step, cell, _ in figures:
        asked = {name: value for name, value in cell.cell.items() if name != axis}
        said = {name: asked[name] for name in asked if report.sides.get(name) == "condition"}
        for name, value in {**said, "": step.condition.get("degradation", "none")}.items():
            if value != "none":
                seen.setdefault(name, set()).add(value)
    conditions = any(len(values) > 1 for values in seen.values())
    return (_WORST if conditions else _BEST).get(figures[0][2].better or "")


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
    finite, lost = drawable(records)
    records, left = chosen_series(finite, matters) if matters and finite else (finite, "")
    names = list(dict.fromkeys(item["series"] for item in records))
    beyond = beyond_of(records) if form is lines and top is None else None
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
