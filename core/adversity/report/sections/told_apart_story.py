"""How well unfamiliar images are told from those of the test set, in a sentence made from the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adversity.report.doubts.void_figures import is_void
from adversity.report.values.apart import judged_steps
from adversity.report.words.counting import figure_text
from adversity.report.words.wording import cell_text, measure_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["told_apart"]

_MOST = 5
"""Of more data sets the first ones are told of."""


class _Figure(NamedTuple):
    """How well one method tells another data set from the one that is judged."""

    known: str
    other: str
    step: StepSummary
    cell: CellResult
    name: str
    measure: Measure


def told_apart(report: Report) -> Iterator[tuple[str, str]]:
    """Say of each other data set which method tells it best, of how many, and that it was chosen.

    Of the first headline measure, a share, of metrics that compare answers to two data sets.
    """
    figures = [*_figures(report)]
    if not figures:
        return
    first = figures[0]
    alike = [one for one in figures if (one.known, one.name) == (first.known, first.name)]
    others: dict[str, list[_Figure]] = {}
    for one in alike:
        others.setdefault(one.other, []).append(one)
    told = [_best(own) for own in [*others.values()][:_MOST]]
    left = len(others) - len(told)
    more = f"; {left} more in the tables" if left else ""
    chosen = any(len(own) > 1 for own in others.values())
    end = " Chosen on these images, which flatters the best." if chosen else ""
    text = (
        f"By {measure_name(first.name, first.measure)}, {first.measure.better} is better, from the "
        f"images of {first.known}: {'; '.join(told)}{more}.{end}"
    )
    yield "Told apart.", text


def _best(own: Sequence[_Figure]) -> str:
    """Write the best figure of a data set: `letters 0.993 [0.982, 0.997] by vim, the best of 14`."""
    sign = 1 if own[0].measure.better == "higher" else -1
    best = max(own, key=lambda one: sign * one.measure.value)
    place = cell_text(best.cell.cell)
    by = f"{best.step.id}{f' at {place}' if place else ''}"
    among = f", the best of {len(own)}" if len(own) > 1 else ""
    return f"{best.other} {figure_text(best.measure)}, n = {best.measure.n:,}, by {by}{among}"


def _figures(report: Report) -> Iterator[_Figure]:
    names = {data.name for data in report.data}
    for step in judged_steps(report.steps, report.gates):
        others = [name for name in step.compared if name in names]
        known = step.data
        if step.kind != "metric" or known is None or not others or others[0] == known:
            continue
        for cell in step.shown:
            for name, measure in cell.measures.items():
                info = measure.info
                is_asked = info.headline == 1 and info.scale == "share" and measure.better
                if is_asked and not is_void(report, name, step, cell):
                    yield _Figure(known, others[0], step, cell, name, measure)
