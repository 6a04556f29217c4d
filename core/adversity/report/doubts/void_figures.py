"""Which figures of a cell the report does not believe, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import Caveat, CellResult, CellValues, Report, StepSummary

__all__ = ["VOID", "is_void", "why_void"]

VOID = "VOID"
"""How a figure is marked that the report does not believe."""

_WORST_CASE = "worst case"
"""The group of what every attack on record left."""


def why_void(
    measure: str,
    step: StepSummary,
    cell: CellResult,
    *,
    steps: Mapping[str, StepSummary],
    caveats: Sequence[Caveat],
) -> str:
    """Return the reasons why a figure is void, in words; empty where it is not.

    A figure is void with the attack that it was measured on: that of its own step, or one whose
    images its step works on, in either table where two are compared. The worst case over all attacks is void only where no attack of
    this run that stands for the same threat is to be believed: one that is bounds it.

    Args:
        measure: The figure's name.
        step: The step that has it.
        cell: In which cell.
        steps: Every step of the run, by id.
        caveats: What the report says against its figures.
    """
    reasons = list(_reasons(step, cell.cell, caveats))
    if (
        reasons
        and _worst_case(cell) is cell.measures.get(measure)
        and _bounded_by_another(cell, steps, caveats)
    ):
        return ""
    return " ".join(dict.fromkeys(reasons))


def is_void(report: Report, measure: str, step: StepSummary, cell: CellResult) -> bool:
    """Say whether the report does not believe a figure, as a gate on it would."""
    steps = {each.id: each for each in report.steps}
    return bool(why_void(measure, step, cell, steps=steps, caveats=report.caveats))


def _reasons(step: StepSummary, cell: CellValues, caveats: Sequence[Caveat]) -> Iterator[str]:
    """Yield what voids the figures of a cell: of its step, or of an attack on its path."""
    for caveat in caveats:
        steps = (None, step.id, *step.path, *step.compared)
        belongs = caveat.level == "void" and caveat.step in steps
        if belongs and _agree(caveat.cell or {}, cell):
            yield caveat.text


def _agree(first: CellValues, second: CellValues) -> bool:
    """Say whether two cells have no variable with two values."""
    return all(second[name] == value for name, value in first.items() if name in second)


def _bounded_by_another(
    figure: CellResult, steps: Mapping[str, StepSummary], caveats: Sequence[Caveat]
) -> bool:
    """Say whether an attack of the same threat on the same victim and data is believed.

    A control is no attack: that it fooled little says nothing.
    """
    return any(
        _same_threat(figure, cell) and not any(_reasons(step, cell.cell, caveats))
        for step in steps.values()
        if step.kind == "attack" and not step.threat.get("control")
        for cell in step.cells
    )


def _same_threat(first: CellResult, second: CellResult) -> bool:
    a, b = map(_worst_case, (first, second))
    names = ("victim", "data", "threat")
    return (
        a is not None
        and b is not None
        and all(a.details.get(name) == b.details.get(name) for name in names)
    )


def _worst_case(cell: CellResult) -> Measure | None:
    """Return what every attack on record left, where the cell has it."""
    own = (item for item in cell.measures.values() if item.info.group == _WORST_CASE)
    return next(own, None)
