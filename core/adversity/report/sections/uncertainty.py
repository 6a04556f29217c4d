"""The section on uncertainty: reliability and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.metrics.intervals import wilson_of
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.charts.reliability_chart import reliability
from adversity.report.charts.spreads import charts_of
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Chart, Section
from adversity.report.values.splits import split_text, splits_table
from adversity.report.words.reading import (
    Figures,
    grouped,
    is_number,
    labels,
    measured,
    slug,
    without_echoes,
)
from adversity.report.words.wording import (
    cell_text,
    interval_text,
    measure_name,
    measure_text,
    number,
    plain,
    plural,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.contracts.values import Measure
    from adversity.report.values.model import Report

__all__ = ["uncertainty_section"]

_RELIABILITY_LIMIT = 6


@section(order=400, groups=("uncertainty",))
def uncertainty_section(report: Report) -> Section | None:
    """Show reliability, and calibration measures against severity."""
    names = grouped(report.steps, "uncertainty")
    blocks: list[Block] = [chart for name in names for chart in _reliability(report, name)]
    for name in names:
        blocks.extend(charts_of(report, name))
    blocks += measure_plots(report, "uncertainty")
    splits = splits_table(report, "uncertainty")
    if blocks and splits is not None:
        blocks.append(splits)
    return Section("uncertainty", "Uncertainty", blocks) if blocks else None


def _reliability(report: Report, name: str) -> Iterator[Chart]:
    """Draw the reliability of the first and the last cell of each step, at most six in all."""
    every = list(measured(report, name, each_seed=True))
    figures = [i for i in without_echoes(report, every) if _bins(i[2])]
    names = labels(report, [step for step, _, _ in figures])
    for step, cell, measure in _shown(figures):
        where = ", ".join(part for part in (names[step.id], plain(cell_text(cell.cell))) if part)
        bins = _bins(measure)
        gap = sum(item["n"] * (item["confidence"] - item["accuracy"]) for item in bins)
        total = sum(item["n"] for item in bins)
        edges = all("from" in item and "to" in item for item in bins)
        word = "over" if gap > 0 else "under"
        title = measure_name(name, measure)
        yield Chart(
            id=slug(f"reliability-{step.id}-{cell_text(cell.cell)}"),
            title=f"Reliability: {where}",
            finding=f"{title} of {where} is {measure_text(measure)}; on average {word}-confident "
            f"by {number(abs(gap) / total)}.",
            caption=f"{title} {number(measure.value)} {interval_text(measure)}, n = {measure.n:,}; "
            f"{plural(len(bins), 'bin')} in use, none drawn for empty ones; bars: 95 % Wilson"
            f"{', grouped' if (measure.method or '').endswith('grouped') else ''}; "
            "on the dashed line confidence is right"
            f"{'; below, how many images each bin holds' if edges else ''}."
            + split_text(report, [step.id]),
            records=tuple(bins),
            spec=reliability(max(item["n"] for item in bins) if edges else None),
            heads={
                "low": "accuracy, low",
                "high": "accuracy, high",
                "from": "bin from",
                "to": "to",
            },
        )


def _shown(figures: Figures) -> Figures:
    """Choose what is drawn: every step once before any twice, those that calibrate first."""
    steps: dict[str, list[int]] = {}
    for index, (step, _, _) in enumerate(figures):
        steps.setdefault(step.id, []).append(index)
    order = sorted(steps.values(), key=lambda own: figures[own[0]][0].kind != "uncertainty")
    ends = [*(own[0] for own in order), *(own[-1] for own in order if len(own) > 1)]
    return [figures[index] for index in sorted(ends[:_RELIABILITY_LIMIT])]


def _bins(measure: Measure) -> list[dict[str, Any]]:
    """Read the bins of an ECE: `details["bins"]`, or columns side by side; empty ones left out.

    Another measure may have something else under these names, which is nothing to draw.
    """
    details = measure.details
    rows = details.get("bins")
    if rows is None:
        names = ("confidence", "accuracy", "n" if "n" in details else "count")
        columns = [item for item in map(details.get, names) if isinstance(item, list | tuple)]
        if len(columns) == len(names) and len({*map(len, columns)}) == 1:
            rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if not isinstance(rows, list | tuple) or not all(map(_is_bin, rows)):
        return []
    bins = []
    for row in rows:
        count = int(row.get("n", row.get("count", 0)))
        if count:
            share = {key: float(row[key]) for key in ("confidence", "accuracy")}
            ends = (row.get("accuracy_low"), row.get("accuracy_high"))
            bounds = wilson_of(share["accuracy"], count)
            low, high = (
                own if is_number(own, 0, 1) else bound
                for own, bound in zip(ends, bounds, strict=True)
            )
            edges = {
                key: float(row[edge])
                for key, edge in (("from", "low"), ("to", "high"))
                if is_number(row.get(edge), 0, 1)
            }
            bins.append({**share, "low": low, "high": high, "n": count, **edges})
    return bins


def _is_bin(row: object) -> bool:
    """Say whether this is a bin: so many images, and a confidence and a share unless it is none."""
    if not isinstance(row, Mapping) or not is_number(row.get("n", row.get("count")), low=0):
        return False
    filled = is_number(row.get("confidence")) and is_number(row.get("accuracy"), 0, 1)
    return filled or not row.get("n", row.get("count"))
