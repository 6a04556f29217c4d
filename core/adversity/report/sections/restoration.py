"""The section on restoration: what it gave and took, paired by sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.charts.forest import MOST_ROWS, few_rows, row_chart
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.quality_tables import quality_tables
from adversity.report.sections.register import section
from adversity.report.sections.restoration_tables import (
    changes_table,
    curves,
    flips_table,
    names_of,
)
from adversity.report.values.blocks import Block, Chart, Section, Text
from adversity.report.values.paired import (
    CALIBRATED,
    HARMS,
    HELPS,
    NO_EVIDENCE,
    TEST_TIME,
    TRAINED,
)
from adversity.report.words.reading import panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.model import Gain, Report

__all__ = ["flips_section", "restoration_section"]


@section(order=300, groups=("quality",))
def restoration_section(report: Report) -> Section | None:
    """Show what each restoration gave and took: accuracy, flips, image quality."""
    blocks: list[Block] = []
    if report.gains:
        gains = report.shown_gains
        blocks.append(Text(_what_a_gain_is(gains)))
        drawn = curves(gains)
        # Of few cells the curves say all; of many they are drawn for some, and rows for the ends.
        blocks += [*([] if drawn and len(gains) <= MOST_ROWS else [_chart(gains)]), *drawn]
        if len(gains) <= MOST_ROWS:
            blocks += _tables(gains)
    blocks += quality_tables(report)
    blocks += measure_plots(report, "quality")
    restored = any(step.kind == "restoration" for step in report.steps)
    title = "Restoration: gain and harm" if restored else "Image quality"
    return Section("restoration", title, blocks) if blocks else None


@section(order=310)
def flips_section(report: Report) -> Section | None:
    """Show the cells of restorations one by one, where they are too many to stand above."""
    gains = report.shown_gains
    if len(gains) <= MOST_ROWS:
        return None
    return Section("flips", "Restoration, cell by cell", _tables(gains), folded=True)


def _tables(gains: Sequence[Gain]) -> list[Block]:
    others = changes_table(gains)
    return [flips_table(gains), *([others] if others is not None else [])]


def _what_a_gain_is(gains: Sequence[Gain]) -> str:
    """Say what is compared, and by which protocols where there are others than the plain one."""
    text = (
        "Gain is accuracy with restoration minus accuracy without, on the same images and the same "
        f"classifier. It {HELPS} or {HARMS} where the test says so for all rows together; else there "
        f"is {NO_EVIDENCE}."
    )
    protocols = {gain.protocol for gain in gains}
    if protocols == {TEST_TIME}:
        return f"{text} Images are {TEST_TIME}: what answers was not fitted on restored ones."
    told = " and ".join(name for name in (CALIBRATED, TRAINED) if name in protocols)
    return f"{text} Rows without a protocol are {TEST_TIME}; others say {told}, on restored images."


def _chart(gains: Sequence[Gain]) -> Chart:
    """Draw the changes; of more than a reader can look through, those furthest down and up."""
    names = names_of(gains)
    one = len({*names.values()}) == 1 and all(gain.cell for gain in gains)
    rows, left = few_rows(
        [
            (
                ", ".join(filter(None, ("" if one else names[gain.after], panel(gain.cell, None)))),
                gain.difference,
            )
            for gain in gains
        ]
    )
    title = f"Change of accuracy: {names[gains[0].after]}" if one else "Change of accuracy"
    chart = row_chart(
        "restoration-gain", title, rows, top=None, zero=True, axis="change of accuracy"
    )
    return replace(chart, caption=chart.caption + _of_seeds(gains) + left)


def _of_seeds(gains: Sequence[Gain]) -> str:
    """Say what is taken as given where a gain is over several seeds."""
    several = any(gain.difference.details.get("seeds") for gain in gains)
    return " Over several seeds, these are taken as given, and images as drawn." if several else ""
