"""Which answers tell what a restoration did: those behind it, and those to the images before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import PostHoc
from adversity.engine.stages.fit_streams import stored_rows
from adversity.pipeline.plan.apart import is_judged
from adversity.pipeline.plan.paths import rests_on
from adversity.registry.entry import class_of
from adversity.report.values.paired import CALIBRATED, TEST_TIME, TRAINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["Pair", "restoration_pairs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Answers to the same samples in one cell, without and with a restoration.

    Attributes:
        restoration: The step between them.
        before, after: The steps that answer.
        cell: Of `after`, and so of `before`.
        protocol: What else changed with the images: nothing, or what the answers were fitted on.
        first, second: The rows of both, the same samples in the same order.
    """

    restoration: PlannedStep
    before: PlannedStep
    after: PlannedStep
    cell: Cell
    protocol: str
    first: StoredRows
    second: StoredRows


def restoration_pairs(toolbox: Toolbox, role: str) -> Iterator[Pair]:
    """Go through the steps of a role behind a restoration, each with its likes before that.

    A classifier that was fitted on restored images is held against one that was not, and so is a
    calibrator: each by the name of its protocol.

    Args:
        toolbox: Of a finished run.
        role: `predict`, whose calibrators come with it, or `regress`.

    Raises:
        StorageError: If a table is missing or damaged.
    """
    steps = toolbox.plan.steps
    judged = [each for each in steps.values() if is_judged(each, steps)]
    answering = [each for each in judged if each.role == role]
    pairs = [
        (restoration, before, after, protocol)
        for after in answering
        if (restoration := _restoration(toolbox, after)) is not None
        for before in answering
        if before.upstream == restoration.upstream
        and (protocol := _protocol(toolbox, restoration, before, after)) is not None
    ]
    for pair in pairs:
        yield from _cells(toolbox, *pair)
    calibrating = [each for each in judged if issubclass(class_of(each.entry), PostHoc)]
    for restoration, answers, restored, protocol in pairs:
        for after in calibrating:
            for before in calibrating:
                if protocol == TEST_TIME and (before.source, after.source) == (
                    (answers.id,),
                    (restored.id,),
                ):
                    own = _protocol(toolbox, restoration, before, after)
                    if own is not None:
                        yield from _cells(toolbox, restoration, before, after, own)


def _restoration(toolbox: Toolbox, after: PlannedStep) -> PlannedStep | None:
    """Return the restoration whose images a step answers to, if any."""
    step = toolbox.plan.steps.get(after.upstream)
    return step if step is not None and step.entry.kind == "restoration" else None


def _protocol(
    toolbox: Toolbox, restoration: PlannedStep, before: PlannedStep, after: PlannedStep
) -> str | None:
    """Return what else two steps differ in than in their images; None where they are not alike."""
    if before.options != after.options or not _same_plugin(toolbox, before, after):
        return None
    first, second = (toolbox.plan.steps[step.definition] for step in (before, after))
    calibrates = issubclass(class_of(after.entry), PostHoc)
    # What a step fits hangs on its id, too, but for calibrators, which draw nothing.
    if first is second or not (first.fitted_by or second.fitted_by):
        return TEST_TIME
    if calibrates and first.fitted_by == second.fitted_by:
        return TEST_TIME
    if _went_through(toolbox, second, restoration) and not _went_through(
        toolbox, first, restoration
    ):
        return CALIBRATED if calibrates else TRAINED
    return None


def _same_plugin(toolbox: Toolbox, before: PlannedStep, after: PlannedStep) -> bool:
    if before.definition == after.definition:
        return True
    one, other = (toolbox.plan.steps[step.definition] for step in (before, after))
    if one.plugin_entries != other.plugin_entries or one.variables != other.variables:
        return False
    return all(other.plugins.get(cell) == plugin for cell, plugin in one.plugins.items())


def _went_through(toolbox: Toolbox, fitted: PlannedStep, restoration: PlannedStep) -> bool:
    """Say whether what fitted a plugin went through the same restoration, by whatever step."""
    steps = toolbox.plan.steps
    behind = frozenset[str]().union(*(rests_on(name, steps) for name in fitted.fitted_by))
    return any(steps[name].entry is restoration.entry for name in behind & steps.keys())


def _cells(
    toolbox: Toolbox,
    restoration: PlannedStep,
    before: PlannedStep,
    after: PlannedStep,
    protocol: str,
) -> Iterator[Pair]:
    for cell in after.cells:
        first, second = (stored_rows(toolbox, step.id, cell) for step in (before, after))
        if np.array_equal(first["id"], second["id"]):
            yield Pair(restoration, before, after, cell, protocol, first, second)
