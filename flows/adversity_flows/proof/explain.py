"""One number of a report, computed once more from its bytes; or the input that changed, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.measuring import measures_of_rows
from adversity.errors import AdversityError, InputError, StorageError
from adversity.pipeline.plan.engine_measures import AFTERWARDS
from adversity.provenance import processor
from adversity_flows.dvc.on_disk import on_disk
from adversity_flows.proof.compared import Rows, compare_rows, together
from adversity_flows.proof.joined import WORST, joined_again, joined_of_tables, rests_on_cells
from adversity_flows.proof.links import links_of, metric_of
from adversity_flows.proof.of_code import (
    asset_checks,
    device_checks,
    library_checks,
    source_checks,
)
from adversity_flows.proof.of_inputs import artifact_checks, input_checks
from adversity_flows.proof.of_ledger import is_recorded, kept_entries, ledger_checks
from adversity_flows.proof.of_run import file_checks, table_check
from adversity_flows.proof.part import part_of
from adversity_flows.proof.recompute import recomputed
from adversity_flows.proof.subject import planned_then

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.contracts import Measure, MetricBase
    from adversity.data.stored import StoredRows
    from adversity.pipeline.plan.model import Cell, Plan
    from adversity_flows.proof.check import Check
    from adversity_flows.proof.links import Link
    from adversity_flows.proof.part import Part
    from adversity_flows.proof.recompute import Recomputed
    from adversity_flows.proof.subject import Subject
    from adversity_flows.runs.figure import Figure
    from adversity_flows.steps.watch import Watcher

__all__ = ["Again", "Explained", "explain"]


@dataclass(frozen=True, slots=True)
class Again:
    """A number and its rows, computed once more.

    Attributes:
        of_table: The number from the stored rows; None where the step itself measures it.
        of_chain: The number from the data on; None where that could not be computed.
        rows: The stored rows beside those that were computed.
        error: Why something could not be computed; empty if it could.
    """

    of_table: Measure | None = None
    of_chain: Measure | None = None
    rows: Rows | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A number, how it was made, and whether it still is what it was.

    Attributes:
        run: The run.
        figure: The number as the run reported it.
        metric: What measured it; None for the engine.
        links: The chain that made it.
        taken: The steps whose fits or images were taken as they were left.
        wrong: The ids of samples that were answered wrongly; None where there is no right answer.
        checks: What it rests on, hashed again.
        again: The number computed once more.
        elsewhere: The processor of the run and this one, where they differ; empty if they do not.
    """

    run: str
    figure: Figure
    metric: MetricBase | None
    links: tuple[Link, ...]
    taken: tuple[str, ...]
    wrong: tuple[str, ...] | None
    checks: tuple[Check, ...]
    again: Again
    elsewhere: str = ""


def explain(subject: Subject, figure: Figure, watcher: Watcher, *, from_data: bool) -> Explained:
    """Compute a number once more, in a folder that goes away, and look at all that it rests on.

    Args:
        subject: The run.
        figure: One of its numbers.
        watcher: Told of progress.
        from_data: What was fitted, and the images of attacks, are computed again as well.

    Raises:
        PipelineError: If the pipeline cannot be planned any more.
    """
    plan = planned_then(subject)
    cell = _cell(plan, figure)
    wanted = rests_on_cells(plan, figure, cell)
    part = part_of(plan, wanted, from_data=from_data)
    checks = _checks(subject, figure, plan, part, wanted)
    then = subject.machine.get("processor", "")
    elsewhere = f"{then or 'not recorded'} then, {processor()} now" if then != processor() else ""
    stored = _stored(subject, figure, cell)
    return Explained(
        subject.name,
        figure,
        metric_of(plan, figure),
        tuple(links_of(subject, plan, figure, wanted)),
        tuple(stage.step for stage in part.taken),
        _wrong(stored.rows),
        tuple(checks),
        _again(_Asked(subject, figure, wanted), part, stored, watcher),
        elsewhere,
    )


def _cell(plan: Plan, figure: Figure) -> Cell:
    """Return the step's cell that a number is of, its variables in the file's order."""
    wanted = set(figure.cell.items())
    return next(cell for cell in plan.steps[figure.step].cells if wanted.issuperset(cell.values))


def _checks(
    subject: Subject, figure: Figure, plan: Plan, part: Part, steps: Iterable[str]
) -> list[Check]:
    """Check what one number rests on, and nothing else."""
    metric = metric_of(plan, figure)
    names = set(part.names) | ({f"metric/{metric.name}"} if metric is not None else set())
    taken = {stage.out for stage in part.taken} | {plan.stage(step).out for step in steps}
    with on_disk(subject.root) as disk:
        checks = [*input_checks(subject, disk, part.paths), *asset_checks(plan, names)]
        checks += [*source_checks(subject, plan, names), *library_checks(subject)]
        checks += [*device_checks(subject, plan), *file_checks(subject, names)]
        checks += artifact_checks(subject, disk, taken)
    checks += table_check(subject, steps)
    return [*checks, *(ledger_checks(subject, [figure.measure]) if figure.name in WORST else ())]


class _Stored(NamedTuple):
    """The rows that a run keeps of a cell; none if it keeps none, or they cannot be read."""

    rows: StoredRows | None = None
    classes: tuple[str, ...] = ()


def _stored(subject: Subject, figure: Figure, cell: Cell) -> _Stored:
    try:
        table = subject.run.table(figure.step)
    except StorageError:  # it is named where it is checked
        return _Stored()
    if table is None:
        return _Stored()
    return _Stored(table.cell(cell.key), table.classes.get(cell.key, ()))


def _wrong(rows: StoredRows | None) -> tuple[str, ...] | None:
    if rows is None or "correct" not in rows:
        return None
    wrong = ~rows["correct"]
    if "target" in rows:
        wrong &= rows["target"] >= 0
    return tuple(str(sample) for sample in rows["id"][wrong])


class _Asked(NamedTuple):
    """What is to be computed once more: a number of a run, and the cells that it is made of."""

    subject: Subject
    figure: Figure
    wanted: Mapping[str, Sequence[Cell]]


def _again(asked: _Asked, part: Part, stored: _Stored, watcher: Watcher) -> Again:
    """Compute the number from the stored rows, and from what they rest on."""
    subject, figure, wanted = asked
    of_table, rows = None, None
    try:
        if figure.name not in AFTERWARDS:
            of_table = _of_table(part, figure, stored)
        with recomputed(part, watcher, subject.hashes) as made:
            rows = _rows(subject, made, wanted)
            if figure.name in AFTERWARDS:
                return _joined(asked, made, rows)
            of_chain = made.measures(figure.step, figure.cell).get(figure.name)
    except AdversityError as error:
        return Again(of_table, error=str(error))
    return Again(of_table, of_chain, rows)


def _of_table(part: Part, figure: Figure, stored: _Stored) -> Measure | None:
    """Measure the stored rows; None where there are none, or the step itself measures."""
    if stored.rows is None or part.plan.steps[figure.step].role == "measure":
        return None
    metrics = toolbox_of(part.plan, Workspace.of(part.plan.root)).metrics()
    return measures_of_rows(metrics, stored.rows, stored.classes).get(figure.name)


def _rows(subject: Subject, made: Recomputed, wanted: Mapping[str, Sequence[Cell]]) -> Rows | None:
    """Compare the rows of all cells that a number is made of; None where there are none."""
    found = []
    for step, cells in wanted.items():
        table = made.table(step)
        try:
            kept = subject.run.table(step)
        except StorageError:  # it is named where it is checked
            continue
        if table is not None and kept is not None:
            found += [
                compare_rows(kept.cell(cell.key), table.cell(cell.key), cell.as_dict())
                for cell in cells
            ]
    return together(found) if found else None


def _joined(asked: _Asked, made: Recomputed, rows: Rows | None) -> Again:
    """Form a number that compares attacks, of the stored tables and of those computed once more.

    Raises:
        StorageError: If what was computed cannot be read.
    """
    subject, figure, _ = asked
    place = figure.step, frozenset(figure.cell.items())
    worst = figure.name in WORST
    if worst and not is_recorded(figure.measure):
        raise InputError(
            f"expected a run that recorded which attacks on record {figure.name} rests on, got "
            "one of an earlier version; `adversity run` makes the number anew and records them"
        )
    kept = kept_entries(subject, [figure.measure] if worst else [])
    of_chain = joined_again(subject, made, kept)[place].get(figure.name)
    try:
        of_table = joined_of_tables(subject, made, kept)[place].get(figure.name)
    except StorageError:  # it is named where it is checked
        return Again(None, of_chain, rows)
    if worst and of_table is not None and _page(of_table) != _page(figure.measure):
        of_table = None  # what was attacked is another now, and so are the entries beside it
    return Again(of_table, of_chain, rows)


def _page(measure: Measure) -> tuple[object, ...]:
    return measure.details.get("victim"), measure.details.get("data")
