"""How an earlier run measured: a change is one of a measure only where it was measured alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.engine.summary.pairs import convention_of, otherwise_measured
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep

__all__ = ["MeasuredThen"]

_MEASURING = ("measure", "attack")
"""Steps whose plugin is the yardstick; of others it is what is judged."""


@dataclass(frozen=True, slots=True)
class MeasuredThen:
    """The steps of a run as its report has them, by id; none where that is gone."""

    steps: Mapping[str, Mapping[str, Any]]

    def measures(self, step: str, cell: Cell) -> Mapping[str, Mapping[str, Any]]:
        """Return what was measured in a cell of a step, by name."""
        measures: Mapping[str, Mapping[str, Any]] = self._cell(step, cell).get("measures", {})
        return measures

    def otherwise(
        self, plan: Plan, planned: PlannedStep, cell: Cell, name: str, now: Mapping[str, Any]
    ) -> str:
        """Say what of a measure was otherwise in that run; empty where nothing was.

        Args:
            plan: The pipeline of this run.
            planned: The step of the measure.
            cell: One of its cells.
            name: The measure's name.
            now: What this run measured, as JSON.
        """
        then = self.measures(planned.id, cell).get(name)
        if then is None:
            return f"that run does not say how it measured {name}; compare it with a number"
        told = [
            *otherwise_measured(*self._set_up(plan, planned, cell)),
            *otherwise_measured(convention_of(now), convention_of(then)),
        ]
        more = "once a run that measures as this one does is accepted, the next is compared with it"
        return f"it was measured otherwise then: {', '.join(told)}; {more}" if told else ""

    def _set_up(
        self, plan: Plan, planned: PlannedStep, cell: Cell
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a step measures, and with what where its plugin is the yardstick, now and then."""
        step = self.steps[planned.id]
        now: dict[str, Any] = {"from:": list(planned.source), "against:": planned.against}
        then: dict[str, Any] = {"from:": step["source"], "against:": step["against"]}
        if planned.role in _MEASURING:
            defined = plan.steps[planned.definition]
            parameters = defined.plugins[defined.own(cell)].parameters
            now |= {"uses:": plan.uses(planned.id), **parameters}
            then |= {"uses:": step["uses"], **self._cell(planned.id, cell)["parameters"]}
        if planned.by is not None:
            now["by:"], then["by:"] = planned.by, step.get("by")
        if planned.role == "attack":
            now["knowledge:"], then["knowledge:"] = planned.knowledge, step["knowledge"]
        return now, then

    def _cell(self, step: str, cell: Cell) -> Mapping[str, Any]:
        cells = self.steps[step]["cells"] if step in self.steps else ()
        return next((one for one in cells if cell_key(one["cell"]) == cell.key), {})
