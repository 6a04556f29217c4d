"""What each restoration gave and took: paired by sample, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.metrics import paired_difference
from adversity.pipeline.plan.apart import is_judged
from adversity.report.values.model import Gain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["gains"]


def gains(toolbox: Toolbox) -> tuple[Gain, ...]:
    """Compare predictions after each restoration with those of the same classifier before it."""
    return tuple(
        gain
        for after in toolbox.plan.steps.values()
        if _judged_predictions(toolbox, after) and after.upstream in toolbox.plan.steps
        for gain in _of(toolbox, after)
    )


def _of(toolbox: Toolbox, after: PlannedStep) -> Iterator[Gain]:
    restoration = toolbox.plan.steps[after.upstream]
    if restoration.entry.kind != "restoration":
        return
    for before in toolbox.plan.steps.values():
        same = _judged_predictions(toolbox, before) and before.definition == after.definition
        if same and before.options == after.options and before.upstream == restoration.upstream:
            for cell in after.cells:
                gain = _in_cell(toolbox, restoration.id, before, after, cell)
                if gain is not None:
                    yield gain


def _judged_predictions(toolbox: Toolbox, planned: PlannedStep) -> bool:
    return planned.role == "predict" and is_judged(planned, toolbox.plan.steps)


def _in_cell(
    toolbox: Toolbox, step: str, before: PlannedStep, after: PlannedStep, cell: Cell
) -> Gain | None:
    first = stored_rows(toolbox, before.id, cell)
    second = stored_rows(toolbox, after.id, cell)
    if "correct" not in first or not np.array_equal(first["id"], second["id"]):
        return None
    known = has_class(first["target"])
    if not known.any():
        return None
    was, now = (rows["correct"].astype(bool)[known] for rows in (first, second))
    groups = first[GROUP][known] if GROUP in first else None
    difference = paired_difference(now, was, groups=groups, better="higher")
    return Gain(
        step,
        before.id,
        after.id,
        cell.as_dict(),
        difference,
        int((now & ~was).sum()),
        int((was & ~now).sum()),
        difference.details.get("p_value"),
    )
