"""Groups of samples that are measured, or decided for, each by itself: `by: camera`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.fitted import UNLABELLED
from adversity.contracts.targets import has_class
from adversity.data.sample_columns import (
    ATTRIBUTE,
    GROUP,
    group_names,
    grouping_column,
    groups_of,
    of_samples,
    sample_columns,
)
from adversity.engine.calls.judged_rows import judged_tables, rows_of
from adversity.errors import DataError
from adversity.pipeline.plan.in_versions import versions_in
from adversity.pipeline.plan.paths import rests_on
from adversity.pipeline.read.findings import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts import Table
    from adversity.engine.calls.ready import Ready
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.columns import Columns
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["Group", "groups_in", "joined", "require_groups", "ungrouped_note", "unseen_notes"]

MOST = 100
"""More groups than this are no groups that anybody compares: ids, times of the day."""

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Group = tuple[str, Flags, "list[Table]"]
"""Its name, its rows of the first table, and what it has of each table."""


def require_groups(toolbox: Toolbox, step: str) -> None:
    """Refuse a step if one that rests on it measures groups which the data do not have.

    So the first step that runs refuses for all that comes after it.

    Args:
        toolbox: Of the run.
        step: A step, or `report`.

    Raises:
        DataError: If there is no such attribute, or there are too many groups.
    """
    for planned in toolbox.plan.steps.values():
        asked = _asked(toolbox, planned)
        if asked and step in rests_on(planned.id, toolbox.plan.steps):
            for data in _data_of(toolbox, planned):
                if planned.id == step or toolbox.there(data):
                    for by in asked:
                        _require(toolbox, planned, by, data)


def groups_in(
    planned: PlannedStep, ready: Ready | None, tables: Sequence[Table]
) -> Iterator[Group]:
    """Yield each group with its rows.

    Args:
        planned: A step with `by:`.
        ready: Its metric, where it measures rows.
        tables: One, or two that are compared.

    Raises:
        DataError: If a group has no row that the metric measures, in one of the tables.
    """
    column = grouping_column(str(planned.by))
    same = len(tables) > 1 and ready is not None and ready.plugin.compares == "samples"
    inside = [groups_of(tables[0 if same else i][column]) for i in range(len(tables))]
    for name in {name: None for groups in inside for name in groups}:
        rows = [groups.get(name) for groups in inside]
        nothing = [np.zeros(len(table), dtype=np.bool_) for table in tables]
        flags = [
            none if given is None else given for given, none in zip(rows, nothing, strict=True)
        ]
        parts = [rows_of(table, keep) for table, keep in zip(tables, flags, strict=True)]
        if ready is not None:
            _require_rows(planned, ready, name, parts)
        yield name, flags[0], parts


def joined(parts: Sequence[tuple[Flags, Columns]], count: int) -> Columns:
    """Return the columns of groups as those of all rows; NaN for a row in none.

    Args:
        parts: The rows of each group, `[N]` bool, and its columns.
        count: N.
    """
    columns: Columns = {}
    names = dict.fromkeys(name for _, given in parts for name in given)
    for name in names:
        whole = np.full(count, np.nan)
        for keep, given in parts:
            if name in given:
                whole[keep] = given[name]
        verdicts = all(given[name].dtype == np.bool_ for _, given in parts if name in given)
        columns[name] = whole if np.isnan(whole).any() or not verdicts else whole.astype(np.bool_)
    return columns


def ungrouped_note(planned: PlannedStep, table: Table) -> str:
    """Say how many rows are in no group; empty where all are in one."""
    groups = groups_of(table[grouping_column(str(planned.by))])
    count = len(table) - sum(int(rows.sum()) for rows in groups.values())
    if not count:
        return ""
    return (
        f"{planned.id}: {count} of {len(table)} samples have no {planned.by}; they are in none of its "
        "groups"
    )


def unseen_notes(toolbox: Toolbox, planned: PlannedStep) -> list[str]:
    """Say how many samples a step decides for whose group its plugin was not fitted on.

    Args:
        toolbox: Of the run.
        planned: A step on stored predictions.
    """
    fitted = toolbox.definition_of(planned.id)
    notes = []
    for by in _asked(toolbox, planned) if fitted.fit_on else ():
        name = grouping_column(by)
        [(_, first), *_] = (fitted.fit_on or {}).items()
        for cell in _of_other_samples(toolbox, planned, (first, planned.upstream)):
            held, given = (
                toolbox.table(step).cell(toolbox.plan.steps[step].own(cell).key)
                for step in (first, planned.upstream)
            )
            seen = {*group_names(held[name][has_class(held["target"])])}
            told = group_names(given[name])
            new = sorted({group for group in told if group is not None and group not in seen})
            without = sum(group is None for group in told)
            rows = sum(group not in seen for group in told) - without
            parts = (
                [f"{rows} of a {by} that it was not fitted on ({', '.join(new)})"] if new else []
            )
            parts += [f"{without} without {by}"] if without else []
            if parts:
                notes.append(
                    f"{planned.id}: {' and '.join(parts)}, of {len(told)} rows; "
                    f"{fitted.entry.name} says what becomes of them"
                )
    return list(dict.fromkeys(notes))


def _of_other_samples(toolbox: Toolbox, planned: PlannedStep, steps: tuple[str, ...]) -> list[Cell]:
    """Return a cell for each combination of versions of the data that some steps read.

    In all others samples and their groups are the same.
    """
    starts = [toolbox.plan.chain(step).start for step in steps]
    cells = {
        tuple(toolbox.data(start, cell).id for start in starts): cell
        for cell in reversed(planned.cells)
    }
    return [*cells.values()]


def _asked(toolbox: Toolbox, planned: PlannedStep) -> list[str]:
    """Return what tells apart the groups that a step measures or decides by, each once."""
    if planned.by is not None:
        return [planned.by]
    plugins = toolbox.definition_of(planned.id).plugins.values()
    asked = (getattr(plugin, "goes_by", None) for plugin in plugins)
    return [by for by in dict.fromkeys(asked) if by is not None]


def _data_of(toolbox: Toolbox, planned: PlannedStep) -> list[str]:
    """Return the data sets whose samples a step measures, decides or is fitted on, each once.

    Of those without labels it is told no groups.
    """
    plan = toolbox.plan
    fits = [name for source, name in (planned.fit_on or {}).items() if source != UNLABELLED]
    read = [*planned.reads, *(fits if planned.by is None else ())]
    named = dict.fromkeys(plan.chain(name).start for name in read)
    return [one.id for name in named for one in versions_in(plan.data, name)]


def _require(toolbox: Toolbox, planned: PlannedStep, by: str, data: str) -> None:
    does = "goes" if planned.by is None else "measures"
    where = f"{planned.line}: {planned.id} {does} by {by}"
    columns = sample_columns(toolbox.source(data), f"data {data!r}")
    if by == GROUP and ATTRIBUTE + GROUP in columns:
        raise DataError(
            f"{where}: the samples of {data} have an attribute of that name, which would hide their "
            "groups; rename the attribute"
        )
    if grouping_column(by) not in columns:
        known = [name.removeprefix(ATTRIBUTE) for name in of_samples(columns)]
        there = suggestion(by, known) if known else "; they have neither group nor attribute"
        what = "group" if by == GROUP else f"attribute {by}"
        raise DataError(f"{where}: the samples of {data} have no {what}{there}")
    count = len(groups_of(columns[grouping_column(by)]))
    if count > MOST:
        raise DataError(
            f"{where}: expected at most {MOST} groups of samples in {data}, got {count:,}; name an "
            "attribute with fewer values, or write ranges of it as an attribute"
        )


def _require_rows(planned: PlannedStep, ready: Ready, name: str, parts: Sequence[Table]) -> None:
    """Refuse a group without rows that a metric is given.

    Raises:
        DataError: With the step, and the group.
    """
    given = judged_tables(ready.plugin, parts[0], parts[1] if len(parts) > 1 else None)
    for step, part, left in zip(planned.reads, parts, given, strict=True):
        if not len(left):
            of = f"none of the {len(part)} samples" if len(part) else "no sample"
            lacking = " has a label of a known class" if len(part) else " is there"
            raise DataError(
                f"{planned.line}: {ready.label} measures {step} by {planned.by}: {of} with "
                f"{planned.by} {name}{lacking}; label them, or leave that group out of the data"
            )
