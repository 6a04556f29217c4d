"""Figures: each number of a run with its method and the condition it was tested under."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity.report.values.compared import METHOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adversity.contracts.values import Measure
    from adversity.report.values.compared import Side
    from adversity.report.values.model import CellResult, StepSummary

__all__ = ["Figure", "figures"]

_MEASURED = ("metric", "degradation", "restoration")
"""Kinds of which no method is judged: what their steps measure is of images, or of others."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one method under one condition; the mean over seeds where there are several.

    Attributes:
        measure: Its name.
        step, cell: Where it stands; the cell without seeds.
        method: What a user may choose, by its name: `restoration`, `classifier`, variables.
        condition: What that is tested under: `data`, `degradation`, `attack`, variables.
        mean: The measure. `details["seeds"]` and `details["spread"]` where there are several.
    """

    measure: str
    step: str
    cell: Mapping[str, str]
    method: Mapping[str, str]
    condition: Mapping[str, str]
    mean: Measure

    @property
    def seeds(self) -> int:
        """How many seeds it is the mean of; 1 where nothing was repeated."""
        return int(self.mean.details.get("seeds", 1))

    @property
    def spread(self) -> float | None:
        """The sample standard deviation over the seeds; None for one."""
        return self.mean.details.get("spread") if self.seeds > 1 else None

    @property
    def facets(self) -> dict[str, str]:
        """All that tells it from others: condition and method."""
        return {**self.condition, **self.method}


def figures(steps: Iterable[StepSummary], sides: Mapping[str, Side]) -> list[Figure]:
    """Return the figures of all steps that a method is judged by, in their order.

    What a score says again of the predictions that it scores (their accuracy) is left out. Where
    two steps have the same method under the same condition, their ids tell them apart.

    Args:
        steps: With methods and conditions.
        sides: What each variable of the matrix is.
    """
    all_ = tuple(steps)
    by_id = {step.id: step for step in all_}
    found = [
        Figure(name, step.id, cell.cell, *_facets(step, cell, sides), measure)
        for step in all_
        if step.kind not in _MEASURED and step.condition
        for cell in step.shown
        for name, measure in cell.measures.items()
        if not _echoes(step, name, by_id)
    ]
    return [*_told_apart(found)]


def _facets(
    step: StepSummary, cell: CellResult, sides: Mapping[str, Side]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return method and condition in one cell; a plugin that the matrix names is its value."""
    given = dict(cell.cell)
    own = [
        {
            name: value.replace(f"${variable}", text)
            for name, value in facets.items()
            for variable, text in [_named(value, given)]
        }
        for facets in (step.method, step.condition)
    ]
    for name, value in given.items():
        own[0 if sides.get(name) == METHOD else 1][name] = value
    return own[0], own[1]


def _named(value: str, cell: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable that stands in a name, and its value."""
    return next(((name, text) for name, text in cell.items() if f"${name}" in value), ("", "$"))


def _echoes(step: StepSummary, name: str, steps: Mapping[str, StepSummary]) -> bool:
    """Say whether a score or calibrator only repeats a measure of the predictions it works on."""
    before = steps.get(step.upstream or "")
    if step.kind != "uncertainty" or before is None:
        return False
    return bool(step.shown) and all(
        (own := _value(cell, name)) is not None and own == _value(_met(cell, before), name)
        for cell in step.shown
    )


def _met(cell: CellResult, before: StepSummary) -> CellResult | None:
    """Return the cell of the step before that agrees in every variable that it has.

    One of several scores stands in a cell of its own and repeats what has no such variable.
    """
    agree = (one for one in before.shown if one.cell.items() <= cell.cell.items())
    return next(agree, None)


def _value(cell: CellResult | None, name: str) -> float | None:
    return cell.measures[name].value if cell is not None and name in cell.measures else None


def _told_apart(found: list[Figure]) -> Iterator[Figure]:
    """Add the step to the method of figures that would else be the same."""
    count: dict[object, int] = {}
    for figure in found:
        count[_key(figure)] = count.get(_key(figure), 0) + 1
    for figure in found:
        if count[_key(figure)] == 1:
            yield figure
        else:
            yield replace(figure, method={**figure.method, "step": figure.step})


def _key(figure: Figure) -> tuple[object, ...]:
    return (figure.measure, *sorted(figure.facets.items()))
