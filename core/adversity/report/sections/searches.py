"""Charts of searches: how near the nearest failure is, how many queries a sample withstands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.contracts.values import Measure
from adversity.metrics.intervals import wilson_of
from adversity.report.charts.caption_words import intervals_in_words
from adversity.report.charts.chart_kinds import staircase
from adversity.report.charts.curves import line_charts
from adversity.report.values.threat import (
    NORMS,
    attack_name,
    goal_of,
    is_black_box,
    is_control,
    norm_of,
)
from adversity.report.words.reading import is_number, panel, record, slug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adversity.report.values.blocks import Chart
    from adversity.report.values.model import CellResult, StepSummary

__all__ = ["distance_charts", "query_charts"]

_LEVELS = 255.0
_Cells = list[tuple["StepSummary", "CellResult"]]


def distance_charts(attacks: Sequence[StepSummary]) -> Iterator[Chart]:
    """Draw the share of images without a failure so near against distance, a chart for each norm."""
    searches = [
        (step, cell) for step, cell in _cells(attacks, nearest=True) if not is_control(step)
    ]
    for norm in dict.fromkeys(norm_of(step, cell) for step, cell in searches):
        own = [item for item in searches if norm_of(*item) == norm]
        name, unit = NORMS.get(norm, norm), ", in 1/255" if norm == "linf" else ""
        yield from _charts(
            own,
            along="distance",
            scale=_LEVELS if norm == "linf" else 1.0,
            key=slug(f"failure-distance-{norm}"),
            title=f"Share of images without a failure so near ({name})",
            x=f"{name} distance{unit}",
            y="share without a failure so near",
            note="An image that was wrong from the start fails at 0; a curve that stays level "
            "found nothing farther out.",
            form=staircase,
        )


def query_charts(attacks: Sequence[StepSummary]) -> Iterator[Chart]:
    """Draw the robust accuracy after so many queries, for black-box attacks."""
    own = [item for item in _cells(attacks) if is_black_box(item[0]) and not is_control(item[0])]
    yield from _charts(
        own,
        along="queries",
        scale=1.0,
        key="robust-accuracy-by-queries",
        title="Robust accuracy after so many queries",
        x="queries for each image (each decade as wide as the next)",
        y="robust accuracy",
        note="0 queries: not attacked.",
        form=partial(staircase, log=True),
    )


def _cells(attacks: Sequence[StepSummary], *, nearest: bool = False) -> _Cells:
    """Return the cells of attacks on the answer: the curves are of what stays right."""
    return [
        (step, cell)
        for step in attacks
        for cell in step.cells
        if goal_of(step).of_answer and (not nearest or step.threat.get("nearest"))
    ]


def _charts(
    cells: _Cells,
    *,
    along: str,
    scale: float,
    key: str,
    title: str,
    x: str,
    y: str,
    note: str,
    form: Callable[..., Mapping[str, Any]],
) -> Iterator[Chart]:
    """Draw the curves in the details of the first such measure there is; say whose are missing."""
    curves: dict[str, tuple[list[tuple[float, float]], int]] = {}
    missing = []
    for step, cell in cells:
        series = ", ".join(part for part in (attack_name(step), panel(cell.cell, None)) if part)
        there = (item for item in cell.measures.values() if item.info.group == "search")
        steps = next(filter(None, (_steps(item, along) for item in there)), [])
        if not steps:
            missing.append(series)
            continue
        curves[series] = [(at * scale, share) for at, share in steps], cell.n
    if not curves:
        return
    if missing:
        note += f" Without a curve, since most of its images withstood: {', '.join(missing)}."
    far = max(points[-1][0] for points, _ in curves.values())
    records, measures = [], []
    for series, (points, n) in curves.items():
        level = [] if points[-1][0] == far else [(far, points[-1][1])]
        for at, share in [*points, *level]:
            low, high = wilson_of(share, n)
            measures.append(Measure(share, n, low, high, method="wilson"))
            records.append(record(measures[-1], series=series, x=round(at, 6)))
    words = f"{note} {intervals_in_words(measures)}"
    yield from line_charts(records, key=key, title=title, x=x, y=y, intervals=words, form=form)


def _steps(measure: Measure, along: str) -> list[tuple[float, float]]:
    """Read the curve in the details of a measure; empty where something else stands there."""
    places, shares = measure.details.get(along), measure.details.get("robust")
    if not isinstance(places, list | tuple) or not isinstance(shares, list | tuple):
        return []
    if len(places) != len(shares):
        return []
    points = list(zip(places, shares, strict=True))
    curve = all(is_number(at, 0) and is_number(share, 0, 1) for at, share in points)
    return points if curve else []
