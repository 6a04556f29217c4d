"""Opening a stage of a plan: what runs a step is what its kind says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from adversity.engine.calls.blocks import one_thread
from adversity.engine.calls.device import refuse_absent_device, whole_float32
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.stages.apart import keep_apart
from adversity.engine.stages.by_groups import require_groups
from adversity.engine.stages.data_stage import DataRun
from adversity.engine.stages.fit_stage import FitRun
from adversity.engine.stages.rounds_stage import RoundsRun
from adversity.engine.summary.report_stage import ReportRun
from adversity.pipeline.plan.stop_rules import in_rounds
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Plan, PlannedStep, Stage

__all__ = ["open_stage"]


def open_stage(plan: Plan, stage: Stage, workspace: Workspace) -> StageRun:
    """Open a stage for running; torch has one thread, and cards whole float32, from here on.

    Raises:
        InputError: If this machine has not the pipeline's device.
        DataError: If a data set it reads is missing or wrong, or images that fit what rests on
            the stage would judge it as well.
    """
    one_thread()
    refuse_absent_device(plan)
    whole_float32(plan.spec.run.device)
    if stage.step.startswith("data:"):
        return DataRun(plan, stage, workspace)
    keep_apart(toolbox_of(plan, workspace), stage.step)
    require_groups(toolbox_of(plan, workspace), stage.step)
    if stage.step == "report":
        return ReportRun(plan, stage, workspace)
    return _run_of(plan.steps[stage.step])(plan, stage, workspace)


def _run_of(planned: PlannedStep) -> type[StageRun]:
    if planned.role == "define":
        return FitRun
    if in_rounds(planned):
        return RoundsRun
    kind = class_of(planned.entry).describes
    return cast("type[StageRun]", kind.load(kind.stage))
