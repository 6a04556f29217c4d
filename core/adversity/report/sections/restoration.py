"""The section on restoration: what it gave and took, paired by sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.charts.curves import row_chart
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Chart, Section, Table, Text
from adversity.report.words.reading import grouped, titles
from adversity.report.words.wording import NOTHING, cell_text, measure_text, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.model import Gain, Report

__all__ = ["flips_section", "restoration_section"]

_MOST = 24
"""Rows of a chart that one can look through; half of them are the smallest, half the largest."""


@section(order=300, groups=("quality",))
def restoration_section(report: Report) -> Section | None:
    """Show what each restoration gave and took: accuracy, flips, image quality."""
    blocks: list[Block] = []
    if report.gains:
        blocks.append(
            Text(
                "Gain is accuracy with restoration minus accuracy without, on the same images "
                "and the same classifier. A gain below zero is harm."
            )
        )
        blocks.append(_chart(report.gains))
        if len(report.gains) <= _MOST:
            blocks.append(_flips(report))
    quality = _quality(report)
    if quality is not None:
        blocks.append(quality)
    blocks += measure_plots(report, "quality")
    restored = any(step.kind == "restoration" for step in report.steps)
    title = "Restoration: gain and harm" if restored else "Image quality"
    return Section("restoration", title, blocks) if blocks else None


@section(order=310)
def flips_section(report: Report) -> Section | None:
    """Show the cells of restorations one by one, where they are too many to stand above."""
    if len(report.gains) <= _MOST:
        return None
    return Section("flips", "Restoration, cell by cell", [_flips(report)], folded=True)


def _chart(gains: Sequence[Gain]) -> Chart:
    """Draw the changes; of more than a reader can look through, those furthest down and up."""
    ranked = sorted(range(len(gains)), key=lambda at: gains[at].difference.value)
    ends = ranked if len(gains) <= _MOST else ranked[: _MOST // 2] + ranked[-(_MOST // 2) :]
    rows = [(_label(gains[at]), gains[at].difference) for at in sorted(ends)]
    chart = row_chart("restoration-gain", "Change of accuracy", rows, top=None, zero=True)
    if len(ends) == len(gains):
        return chart
    note = (
        f" Drawn: of {len(gains):,} cells the {_MOST // 2} with the smallest and the {_MOST // 2} with "
        "the largest change, which are the extremes of many; the table has all."
    )
    return replace(chart, caption=chart.caption + note)


def _label(gain: Gain) -> str:
    return plain(", ".join(part for part in (gain.step, cell_text(gain.cell)) if part))


def _flips(report: Report) -> Table:
    rows = tuple(
        (
            plain(gain.step),
            cell_text(gain.cell) or NOTHING,
            measure_text(gain.difference),
            f"{gain.recovered:,}",
            f"{gain.broken:,}",
            NOTHING if gain.p_value is None else f"{gain.p_value:.2g}",
        )
        for gain in report.gains
    )
    return Table(
        "restoration-flips",
        "Answers that restoration changed. p: exact McNemar test that it recovers as many as it "
        "breaks; several cells are several tests.",
        ("restoration", "cell", "gain", "recovered", "newly broken", "p"),
        rows,
        numeric=frozenset({"gain", "recovered", "newly broken", "p"}),
    )


def _quality(report: Report) -> Table | None:
    steps = [step for step in report.steps if step.kind != "attack"]
    names = grouped(steps, "quality")
    rows = tuple(
        (
            step.id,
            cell_text(cell.cell) or NOTHING,
            *(measure_text(own[name]) if name in own else NOTHING for name in names),
        )
        for step in steps
        for cell in step.shown
        for own in [cell.measures]
        if own.keys() & set(names)
    )
    if not rows:
        return None
    heads = tuple(titles(steps, names).values())
    return Table(
        "image-quality",
        "Image quality against the clean image: mean, interval, n.",
        ("step", "cell", *heads),
        rows,
        numeric=frozenset(heads),
    )
