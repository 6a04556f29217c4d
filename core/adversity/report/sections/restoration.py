"""The section on restoration: what it gave and took, paired by sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.charts.chosen_rows import ends_of
from adversity.report.charts.curves import row_chart
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.register import section
from adversity.report.tables.changes import change_columns, p_text, seeds_in_words
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
        blocks.append(_chart(report.shown_gains))
        if len(report.shown_gains) <= _MOST:
            blocks.append(_flips(report.shown_gains))
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
    gains = report.shown_gains
    if len(gains) <= _MOST:
        return None
    return Section("flips", "Restoration, cell by cell", [_flips(gains)], folded=True)


def _chart(gains: Sequence[Gain]) -> Chart:
    """Draw the changes; of more than a reader can look through, those furthest down and up."""
    ends = ends_of([gain.difference.value for gain in gains], _MOST)
    names = _names(gains)
    rows = [
        (
            ", ".join(part for part in (names[gain.after], plain(cell_text(gain.cell))) if part),
            gain.difference,
        )
        for gain in (gains[at] for at in ends)
    ]
    chart = row_chart("restoration-gain", "Change of accuracy", rows, top=None, zero=True)
    note = _of_seeds(gains)
    if len(ends) < len(gains):
        note += (
            f" Drawn: of {len(gains):,} cells the {_MOST // 2} with the smallest and the {_MOST // 2} "
            "with the largest change, which are the extremes of many; the table has all."
        )
    return replace(chart, caption=chart.caption + note)


def _names(gains: Sequence[Gain]) -> dict[str, str]:
    """Name each restoration, with the answers behind it where several classifiers follow it."""
    behind: dict[str, set[str]] = {}
    for gain in gains:
        behind.setdefault(gain.step, set()).add(gain.after)
    return {
        gain.after: plain(
            gain.step if len(behind[gain.step]) == 1 else f"{gain.step} ({gain.after})"
        )
        for gain in gains
    }


def _of_seeds(gains: Sequence[Gain]) -> str:
    """Say what is taken as given where a gain is over several seeds."""
    several = any(gain.difference.details.get("seeds") for gain in gains)
    return " Over several seeds, these are taken as given, and images as drawn." if several else ""


def _flips(gains: Sequence[Gain]) -> Table:
    changes = [gain.difference for gain in gains]
    heads, columns = change_columns(changes, "gain")
    names = _names(gains)
    rows = tuple(
        (
            names[gain.after],
            cell_text(gain.cell) or NOTHING,
            *column,
            f"{gain.recovered:,}",
            f"{gain.broken:,}",
            p_text(gain.p_value),
        )
        for gain, column in zip(gains, columns, strict=True)
    )
    over = seeds_in_words(changes, "answers are counted")
    test = (
        "test that the gain is none, each image with all its seeds as one"
        if over
        else "exact McNemar test that it recovers as many as it breaks"
    )
    numbers = (*heads, "recovered", "newly broken", "p")
    return Table(
        "restoration-flips",
        f"Answers that restoration changed.{over} p: {test}; several cells are several tests.",
        ("restoration", "cell", *numbers),
        rows,
        numeric=frozenset(numbers),
        sortable=True,
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
