"""Data out of packages that several runs want to write first: one writes, the others take that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from adversity_flows.dvc.at_work import at_work
from adversity_flows.dvc.repository import BusyError
from adversity_flows.steps.shards import in_step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.pipeline.plan.model import Stage
    from adversity_flows.dvc.recorder import DvcRecorder

__all__ = ["take_turns"]

_SHORT = 0.2
"""Seconds between two looks."""


def take_turns(memory: DvcRecorder, stages: Iterable[Stage], *, patience: float = 600.0) -> None:
    """Reserve the data sets that are not written yet; wait for those that another run writes.

    One that must be written stays reserved until its stage is over. What another run has recorded
    meanwhile, or DVC gave back, does not.

    Args:
        memory: DVC.
        stages: Those of a plan; the ones of data count.
        patience: How many seconds to wait, for all of them together.

    Raises:
        RunError: If another process still works on one after that.
    """
    until = time.monotonic() + patience
    data = [stage for stage in stages if stage.step.startswith("data:")]
    # Every run goes by the names: with two orders two runs could wait for each other.
    for stage in sorted(data, key=lambda stage: stage.name):
        # In this order: one that is there and that nobody writes any more is recorded.
        there = (memory.root / stage.out).is_dir()
        if there and not _in_writing(memory, stage):
            continue
        with in_step(stage):
            _reserve(memory, stage, until)
            if not memory.state(stage).stale:
                memory.release(stage.name)


def _in_writing(memory: DvcRecorder, stage: Stage) -> bool:
    return any(stage.out in each.makes for each in at_work(memory.root))


def _reserve(memory: DvcRecorder, stage: Stage, until: float) -> None:
    while True:
        try:
            return memory.reserve(stage)
        except BusyError:
            if time.monotonic() >= until:
                raise
        time.sleep(_SHORT)
