"""What is left of each defence: one attack twice, without and with knowledge of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.goal import GOALS
from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.stages.columns import sort_by_id
from adversity.engine.stages.fit_streams import stored_rows
from adversity.errors import DataError
from adversity.metrics import grouped, paired_difference, robust_accuracy
from adversity.report.values.model import DefenceGap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.contracts import Measure
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.columns import Columns
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["defence_gaps"]

_GOAL = GOALS["misclassify"]


def defence_gaps(toolbox: Toolbox) -> tuple[DefenceGap, ...]:
    """Compare every grey-box attack with the adaptive ones that differ in nothing else.

    The two have the same plugin and parameters, start from the same images and attack the
    same answer. A grey-box attack with nothing between the images and the classifier has no
    defence that it could overlook; controls need no knowledge. Both are left out.
    """
    attacks = [planned for planned in toolbox.plan.steps.values() if planned.role == "attack"]
    return tuple(
        gap
        for grey in attacks
        for adaptive in attacks
        if _are_a_pair(grey, adaptive) and _defence(toolbox, grey)
        for gap in _of(toolbox, grey, adaptive)
    )


def _are_a_pair(grey: PlannedStep, adaptive: PlannedStep) -> bool:
    cls: Any = grey.entry.cls
    return (
        not cls.control
        and adaptive.entry.cls is cls
        and (grey.knowledge, adaptive.knowledge) == ("grey-box", "white-box")
        and grey.goal.of_answer
        and adaptive.goal.of_answer
        and (grey.source, grey.against) == (adaptive.source, adaptive.against)
    )


def _defence(toolbox: Toolbox, grey: PlannedStep) -> tuple[str, ...]:
    """Return what the grey-box attacker does not see: every link but the classifier."""
    return tuple(link.id for link in toolbox.plan.victim(grey.id).defences)


def _of(toolbox: Toolbox, grey: PlannedStep, adaptive: PlannedStep) -> Iterator[DefenceGap]:
    for cell in grey.cells:
        if not len(_by_id(toolbox, grey, cell)["id"]):
            continue
        parameters = toolbox.plugin(grey.id, cell).parameters
        for other in adaptive.cells:
            same = toolbox.plugin(adaptive.id, other).parameters == parameters
            if same and _agree(cell.as_dict(), other.as_dict()):
                yield _compared(toolbox, (grey, cell), (adaptive, other))


def _agree(first: dict[str, str], second: dict[str, str]) -> bool:
    """Say whether two cells have no variable with two values."""
    return all(second[name] == value for name, value in first.items() if name in second)


def _compared(
    toolbox: Toolbox, unknowing: tuple[PlannedStep, Cell], informed: tuple[PlannedStep, Cell]
) -> DefenceGap:
    (grey, cell), (adaptive, other) = unknowing, informed
    blind, knowing = _by_id(toolbox, grey, cell), _by_id(toolbox, adaptive, other)
    if not np.array_equal(blind["id"], knowing["id"]):
        raise DataError(
            f"expected {grey.id} and {adaptive.id} to have attacked the same samples, got "
            f"{len(blind['id'])} and {len(knowing['id'])} that are not the same: run both again"
        )
    seems, is_so = _GOAL.standing(blind), _GOAL.standing(knowing)
    groups = blind.get(GROUP)
    difference = paired_difference(seems, is_so, groups=groups, better="lower")
    both = {
        "start_correct": blind["start_correct"] & knowing["start_correct"],
        "fooled": blind["fooled"] | knowing["fooled"],
    }
    return DefenceGap(
        defence=_defence(toolbox, grey),
        grey_box=grey.id,
        adaptive=adaptive.id,
        attack=grey.entry.name,
        cell=cell.as_dict() | other.as_dict(),
        seeming=_left(blind, groups),
        actual=_left(knowing, groups),
        both=_left(both, groups),
        difference=difference,
        fell=int((seems & ~is_so).sum()),
        held=int((is_so & ~seems).sum()),
        p_value=difference.details.get("p_value"),
    )


def _left(rows: Columns, groups: np.ndarray[Any, Any] | None) -> Measure:
    """Return the robust accuracy of rows, with an interval that allows for groups if there are."""
    measure = robust_accuracy(rows["start_correct"], rows["fooled"])
    return grouped(measure, _GOAL.standing(rows), groups)


def _by_id(toolbox: Toolbox, planned: PlannedStep, cell: Cell) -> Columns:
    """Return what became of each sample that has a class; others were not attacked."""
    rows = stored_rows(toolbox, planned.id, cell)
    known = has_class(rows["target"])
    names = ("id", "start_correct", "fooled", GROUP)
    return sort_by_id({name: rows[name][known] for name in names if name in rows})
