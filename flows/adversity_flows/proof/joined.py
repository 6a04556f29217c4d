"""Numbers that hold attacks against each other: formed once more, by the code of a run.

No step measures them. They are made of the tables of several attacks when all steps have run, the
worst case of the ledger's entries, too; so they are formed here of tables that are there already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.contracts import Measure
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.summary.comparisons import with_comparisons
from adversity.engine.summary.worst_case import with_worst_cases
from adversity.errors import StorageError
from adversity.pipeline.plan.engine_measures import AFTERWARDS, WORST_CASE, WORST_SUCCESS
from adversity.report.values.model import CellResult, StepSummary

if TYPE_CHECKING:
    from adversity.data.ledger import Ledger
    from adversity.data.stored import StoredTable
    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep
    from adversity_flows.proof.recompute import Recomputed
    from adversity_flows.proof.subject import Subject
    from adversity_flows.runs.figure import Figure

__all__ = ["WORST", "Joined", "joined", "joined_again", "joined_of_tables", "rests_on_cells"]

WORST = (WORST_CASE, WORST_SUCCESS)
"""Those that rest on the ledger, too."""
Joined = dict[tuple[str, frozenset[tuple[str, str]]], dict[str, Measure]]
"""By step and the values of its cell, what compares attacks."""
_Measured = dict[str, dict[frozenset[tuple[str, str]], Mapping[str, Measure]]]
_TWIN = re.compile(r" [0-9a-f]{8}$")
"""What stands behind the name of an attack where another has the same."""


def rests_on_cells(plan: Plan, figure: Figure, cell: Cell) -> dict[str, list[Cell]]:
    """Return the cells, by step, whose tables a number is made of.

    Of one that compares attacks, those that counted in the run; of any other its own.

    Args:
        plan: The pipeline.
        figure: The number.
        cell: Its cell.
    """
    found = {figure.step: [cell]}
    if figure.name not in AFTERWARDS:
        return found
    by = {_TWIN.sub("", str(name)) for name in figure.measure.details.get("by", ())}
    for planned in _attacks(plan):
        for other in planned.cells:
            name = f"{planned.id}[{other.key}]" if other.key else planned.id
            if name in by and other not in found.get(planned.id, ()):
                found.setdefault(planned.id, []).append(other)
    return found


def joined(toolbox: Toolbox, measured: _Measured, ledger: Ledger) -> Joined:
    """Form what compares attacks, of the tables that a toolbox opens.

    Args:
        toolbox: Of a plan all of whose attacks have a table.
        measured: What its attacks themselves measured, by step and cell.
        ledger: The entries that count beside these attacks.

    Raises:
        StorageError: If a table or an entry is missing or damaged.
    """
    summaries = {
        one.id: StepSummary(
            one.id,
            toolbox.plan.uses(one.id),
            one.entry.kind,
            "images",
            cells=tuple(_result(cell, measured.get(one.id, {})) for cell in one.cells),
        )
        for one in _attacks(toolbox.plan)
    }
    made = with_worst_cases(toolbox, with_comparisons(toolbox, summaries), ledger)
    return {
        (id_, frozenset(cell.cell.items())): {
            name: measure for name, measure in cell.measures.items() if name in AFTERWARDS
        }
        for id_, summary in made.items()
        for cell in summary.cells
    }


def joined_again(subject: Subject, made: Recomputed, ledger: Ledger) -> Joined:
    """Form it of the tables that were computed once more.

    Args:
        subject: The run.
        made: What was computed, with every attack that counts.
        ledger: The entries that counted in the run.
    """
    plan = _with_tables(made)
    return joined(Toolbox(plan, made.workspace), _measured(subject, made), ledger)


def joined_of_tables(subject: Subject, made: Recomputed, ledger: Ledger) -> Joined:
    """Form it of the tables that the run keeps; what was attacked is named as computed once more.

    The arguments are those above.

    Raises:
        StorageError: If the run keeps none of a step, or it is damaged.
    """
    plan = _with_tables(made)
    return joined(_OfRun(plan, made.workspace, subject), _measured(subject, made), ledger)


class _OfRun(Toolbox):
    """A toolbox whose tables are those that a run keeps."""

    def __init__(self, plan: Plan, workspace: Workspace, subject: Subject) -> None:
        super().__init__(plan, workspace)
        self._subject = subject

    def table(self, step: str) -> StoredTable:
        """Open the table of a step."""
        table = self._subject.run.table(step)
        if table is None:
            raise StorageError(
                f"expected the table of {step} in {self._subject.name}, got none; it is made anew "
                "by `adversity run`"
            )
        return table


def _with_tables(made: Recomputed) -> Plan:
    """Return a part's plan without the attacks of which it has no table."""
    there = {stage.step for stage in (*made.part.computed, *made.part.taken)}
    plan = made.part.plan
    steps = {name: one for name, one in plan.steps.items() if one.role != "attack" or name in there}
    return replace(plan, steps=steps)


def _attacks(plan: Plan) -> list[PlannedStep]:
    return [planned for planned in plan.steps.values() if planned.role == "attack"]


def _measured(subject: Subject, made: Recomputed) -> _Measured:
    """Return what attacks measured: as computed once more, else as the run reported it."""
    found: _Measured = {
        id_: {frozenset(cell["cell"].items()): _reported(cell) for cell in step["cells"]}
        for id_, step in subject.run.steps.items()
    }
    for planned in _attacks(made.part.plan):
        if planned.id in made.results:
            measures = made.results[planned.id].measures
            found[planned.id] = {
                frozenset(cell.values): measures.get(cell.key, {}) for cell in planned.cells
            }
    return found


def _reported(cell: Mapping[str, Any]) -> dict[str, Measure]:
    written = cell["measures"].items()
    return {name: Measure.from_json(one) for name, one in written if name not in AFTERWARDS}


def _result(
    cell: Cell, measured: Mapping[frozenset[tuple[str, str]], Mapping[str, Measure]]
) -> CellResult:
    return CellResult(cell.as_dict(), 0, measured.get(frozenset(cell.values), {}))
