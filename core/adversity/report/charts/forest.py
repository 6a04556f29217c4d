"""Forest plots: a row for each measure with its point and interval, of many rows those at the ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.charts.caption_words import (
    counts_in_words,
    direction_in_words,
    intervals_in_words,
)
from adversity.report.charts.chart_kinds import points
from adversity.report.charts.chosen_rows import ends_of
from adversity.report.charts.drawable import beyond_of, drawable
from adversity.report.charts.log_scale import said_of
from adversity.report.charts.rows_beside import width_beside
from adversity.report.values.blocks import Chart
from adversity.report.words.reading import record
from adversity.report.words.wording import number, plain, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import Measure

__all__ = ["MOST_ROWS", "few_rows", "row_chart"]

MOST_ROWS = 24
"""Rows of a chart that one can look through; half of them are the smallest, half the largest."""
_Rows = list[tuple[str, "Measure"]]


def few_rows(rows: Sequence[tuple[str, Measure]]) -> tuple[_Rows, str]:
    """Return as many rows as one looks through, those at both ends by value, and words on the rest.

    Args:
        rows: Label and measure.

    Returns:
        All rows and no words where there are few; else those at the ends, the smallest value first.
    """
    if len(rows) <= MOST_ROWS:
        return [*rows], ""
    ends = ends_of([measure.value for _, measure in rows], MOST_ROWS)
    chosen = sorted((rows[at] for at in ends), key=lambda row: row[1].value)
    half = MOST_ROWS // 2
    return chosen, (
        f" Drawn, sorted by value: of {len(rows):,} the {half} with the smallest and the {half} with "
        "the largest value, which are the extremes of many; the tables have all."
    )


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
    finite, lost = drawable(
        record(
            measure,
            row=index,
            label=plain(label),
            state=columns.get("state", "plain"),
            limit=columns.get("limit"),
        )
        for index, ((label, measure), columns) in enumerate(zip(rows, more, strict=True))
    )
    records = tuple(finite)
    limits = any(item["limit"] is not None for item in records)
    beyond = None if top or limits else beyond_of(records)
    words = "; ".join(f"{label} {number(written(measure).value)}" for label, measure in rows)
    measures = [measure for _, measure in rows]
    return Chart(
        id=key,
        title=title,
        finding=plain(f"{title}: {words}."),
        caption=f"{direction_in_words(measures)}{intervals_in_words(measures)} "
        f"{counts_in_words(records)}{lost}" + said_of(beyond and beyond[0]),
        records=records,
        spec=points(
            x=axis or title,
            rows=len(rows),
            top=top,
            zero=zero,
            limits=limits,
            ends=ends,
            beyond=beyond,
            beside=width_beside([item["label"] for item in records]),
        ),
        heads={"label": "what", "value": axis or title, "limit": "limit"},
    )
