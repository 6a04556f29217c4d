"""What of a pipeline a number rests on: steps, stages, cells, and paths whose hashes count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity.pipeline.plan.paths import makers, reached, rests_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep, Stage

__all__ = ["Part", "part_of", "whole"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a pipeline that is computed once more.

    Attributes:
        plan: The pipeline, its steps with the cells that count.
        computed: The stages that are computed, in order.
        taken: The stages whose artifacts are taken as they are.
        names: Every step and data set that the part rests on.
    """

    plan: Plan
    computed: tuple[Stage, ...]
    taken: tuple[Stage, ...]
    names: frozenset[str]

    @property
    def paths(self) -> frozenset[str]:
        """What the stages read, relative to the project."""
        made = {stage.out for stage in self.computed}
        return frozenset(dep for stage in self.computed for dep in stage.deps) - made


def whole(plan: Plan) -> Part:
    """Return all of a pipeline, computed from the data on."""
    stages = tuple(stage for stage in plan.stages if stage.step in plan.steps)
    return Part(plan, stages, (), frozenset((*plan.steps, *plan.spec.data)))


def part_of(plan: Plan, wanted: Mapping[str, Sequence[Cell]], *, from_data: bool) -> Part:
    """Return what some cells of some steps rest on.

    Tables on the way are computed again; what was fitted, and the images of attacks, are taken as
    they were left, unless all is to be computed.

    Args:
        plan: The pipeline.
        wanted: Cells by step.
        from_data: Fits and attacks on the way are computed again, too.
    """
    kept = (
        set()
        if from_data
        else {name for name, one in plan.steps.items() if one.role in ("define", "attack")}
        - set(wanted)
    )
    made_by = makers(plan)
    rests = {
        step: reached((step,), lambda name: () if name in kept else made_by(name))
        for step in wanted
    }
    needed = set().union(*rests.values()) & set(plan.steps)
    taken, computed = needed & kept, needed - kept
    steps = dict(plan.steps)
    for name in computed:
        above = [step for step in wanted if name in rests[step]]
        steps[name] = _only(
            plan.steps[name],
            [plan.steps[step].own(cell) for step in above for cell in wanted[step]],
        )
    part = replace(plan, steps=steps)
    return Part(
        part,
        tuple(stage for stage in plan.stages if stage.step in computed),
        tuple(stage for stage in plan.stages if stage.step in taken),
        frozenset().union(*(rests_on(step, plan.steps) for step in wanted)),
    )


def _only(one: PlannedStep, wanted: Sequence[Cell]) -> PlannedStep:
    """Return a step with the cells that have no other value of a variable than one that is wanted."""
    values = [cell.as_dict() for cell in wanted]
    cells = tuple(
        own
        for own in one.cells
        if any(
            all(given.get(name, value) == value for name, value in own.values) for given in values
        )
    )
    return replace(one, cells=cells or one.cells)
