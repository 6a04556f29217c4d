"""All numbers of a run computed once more, and compared with what it reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import Measure
from adversity.errors import AdversityError, StorageError
from adversity.provenance import processor
from adversity.report.words.wording import number, plural
from adversity_flows.proof.check import Check
from adversity_flows.proof.compared import (
    CLOSE,
    Rows,
    compare_rows,
    rows_words,
    same_number,
    together,
)
from adversity_flows.proof.joined import WORST, joined_again
from adversity_flows.proof.of_ledger import is_recorded, kept_entries, worst_cases_of
from adversity_flows.proof.part import whole
from adversity_flows.proof.recompute import recomputed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.proof.joined import Joined
    from adversity_flows.proof.recompute import Recomputed
    from adversity_flows.proof.subject import Subject
    from adversity_flows.steps.watch import Watcher

__all__ = ["COMPUTED", "computed_checks"]

COMPUTED = "computed"
"""The kind of a check of numbers that were computed once more."""


def computed_checks(subject: Subject, plan: Plan, watcher: Watcher) -> list[Check]:
    """Compute every step from the data on, in a folder that goes away, and compare it.

    Args:
        subject: The run.
        plan: Its pipeline.
        watcher: Told of progress.
    """
    try:
        with recomputed(whole(plan), watcher, subject.hashes) as made:
            kept = kept_entries(subject, worst_cases_of(subject))
            compared = joined_again(subject, made, kept)
            steps = [stage.step for stage in made.part.computed if stage.step in subject.run.steps]
            return [_of_step(subject, made, step, compared) for step in steps]
    except AdversityError as error:
        return [Check(COMPUTED, "again", "changed", f"it cannot be computed any more: {error}")]


def _of_step(subject: Subject, made: Recomputed, step: str, compared: Joined) -> Check:
    """Compare the numbers of a step in all its cells, and its rows."""
    cells = subject.run.steps[step]["cells"]
    count, odd = 0, []
    for cell in cells:
        more = compared.get((step, frozenset(cell["cell"].items())), {})
        now = {**made.measures(step, cell["cell"]), **more}
        for name, then in _measures(cell):
            count += 1
            if not same_number(then, now.get(name)):
                odd.append(_words(step, name, cell["cell"], then, now.get(name)))
    try:
        rows = _rows(subject, made, step)
    except StorageError as error:
        return Check(COMPUTED, step, "changed", str(error).partition(";")[0])
    said = f"{plural(count, 'number')} in {plural(len(cells), 'cell')}"
    left = any(name in WORST and not is_recorded(one) for cell in cells for name, one in _all(cell))
    aside = "; the worst case was left out: the run did not record what it rests on" if left else ""
    if not odd and rows.equal:
        said += f", {plural(rows.count, 'row')}" if rows.count else ""
        return Check(COMPUTED, step, "holds", f"{said}, equal to the last bit{aside}")
    processor_then = subject.machine.get("processor", "not recorded")
    if processor_then == processor():
        return Check(COMPUTED, step, "changed", "; ".join([*odd[:1], rows_words(rows)]))
    told = f"other hardware ({processor_then} then): {rows_words(rows)}"
    if rows.count and rows.close:
        return Check(COMPUTED, step, "holds", f"{told}, within {CLOSE:g}{aside}")
    return Check(COMPUTED, step, "changed", "; ".join([told, *odd[:1]]))


def _measures(cell: Mapping[str, Any]) -> Iterator[tuple[str, Measure]]:
    """Go through the numbers of a cell of which is recorded what they rest on."""
    for name, measure in _all(cell):
        if name not in WORST or is_recorded(measure):
            yield name, measure


def _all(cell: Mapping[str, Any]) -> Iterator[tuple[str, Measure]]:
    for name, written in cell["measures"].items():
        yield name, Measure.from_json(written)


def _words(
    step: str, name: str, cell: Mapping[str, str], then: Measure, now: Measure | None
) -> str:
    where = ",".join(f"{variable}={value}" for variable, value in cell.items())
    figure = f"{step}.{name}" + (f"[{where}]" if where else "")
    if now is None:
        return f"{figure} is not measured any more"
    values = [number(one.value, one.unit) for one in (then, now)]
    return f"{figure}: {values[0]} then, {values[1]} now"


def _rows(subject: Subject, made: Recomputed, step: str) -> Rows:
    """Compare the rows of every cell.

    Raises:
        StorageError: If the stored ones are damaged.
    """
    stored, table = subject.run.table(step), made.table(step)
    if stored is None or table is None:
        return Rows()
    cells = made.part.plan.steps[step].cells
    return together(
        compare_rows(stored.cell(cell.key), table.cell(cell.key), cell.as_dict()) for cell in cells
    )
