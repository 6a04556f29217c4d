"""What each restoration gave and took: paired by sample, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.metrics import absolute_errors, paired_difference, rmse_gain
from adversity.pipeline.plan.apart import is_judged
from adversity.report.values.model import ErrorGain, Gain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["error_gains", "gains"]

_Pair = tuple["PlannedStep", "PlannedStep", "Cell", "StoredRows", "StoredRows"]
"""Steps before and after, a cell, and the rows of both: the same samples."""


def gains(toolbox: Toolbox) -> tuple[Gain, ...]:
    """Compare predictions after each restoration with those of the same classifier before it."""
    found = (_gain(*pair) for pair in _pairs(toolbox, "predict"))
    return tuple(gain for gain in found if gain is not None)


def error_gains(toolbox: Toolbox) -> tuple[ErrorGain, ...]:
    """Compare numbers after each restoration with those of the same regressor before it."""
    found = (_error_gain(*pair) for pair in _pairs(toolbox, "regress"))
    return tuple(gain for gain in found if gain is not None)


def _pairs(toolbox: Toolbox, role: str) -> Iterator[_Pair]:
    """Go through the steps of a role behind a restoration, each with its like before that."""
    steps = toolbox.plan.steps
    judged = [each for each in steps.values() if each.role == role and is_judged(each, steps)]
    for after in judged:
        restoration = steps.get(after.upstream)
        if restoration is None or restoration.entry.kind != "restoration":
            continue
        for before in judged:
            same = (before.definition, before.options) == (after.definition, after.options)
            if same and before.upstream == restoration.upstream:
                yield from _cells(toolbox, before, after)


def _cells(toolbox: Toolbox, before: PlannedStep, after: PlannedStep) -> Iterator[_Pair]:
    for cell in after.cells:
        first, second = (stored_rows(toolbox, step.id, cell) for step in (before, after))
        if np.array_equal(first["id"], second["id"]):
            yield before, after, cell, first, second


def _gain(
    before: PlannedStep, after: PlannedStep, cell: Cell, first: StoredRows, second: StoredRows
) -> Gain | None:
    if "correct" not in first:
        return None
    known = has_class(first["target"])
    if not known.any():
        return None
    was, now = (rows["correct"].astype(bool)[known] for rows in (first, second))
    groups = first[GROUP][known] if GROUP in first else None
    difference = paired_difference(now, was, groups=groups, better="higher")
    return Gain(
        after.upstream,
        before.id,
        after.id,
        cell.as_dict(),
        difference,
        int((now & ~was).sum()),
        int((was & ~now).sum()),
        difference.details.get("p_value"),
    )


def _error_gain(
    before: PlannedStep, after: PlannedStep, cell: Cell, first: StoredRows, second: StoredRows
) -> ErrorGain | None:
    known = has_class(first["target"]) if "target" in first else np.zeros(0, np.bool_)
    if not known.any():
        return None
    target, was, now = (
        column[known] for column in (first["target"], first["mean"], second["mean"])
    )
    groups = first[GROUP][known] if GROUP in first else None
    further = absolute_errors(now, target) - absolute_errors(was, target)
    return ErrorGain(
        after.upstream,
        before.id,
        after.id,
        cell.as_dict(),
        rmse_gain(now, was, target, groups=groups),
        int((further < 0).sum()),
        int((further > 0).sum()),
    )
