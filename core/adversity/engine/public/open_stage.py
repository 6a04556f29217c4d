"""Opening a stage of a plan: the one place that knows what runs each kind of step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.calls.blocks import one_thread
from adversity.engine.calls.device import refuse_absent_device
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.stages.apart import keep_apart
from adversity.engine.stages.attack_stage import AttackRun
from adversity.engine.stages.data_stage import DataRun
from adversity.engine.stages.fit_stage import FitRun
from adversity.engine.stages.predict_stage import PredictRun
from adversity.engine.stages.rounds_stage import RoundsRun
from adversity.engine.stages.score_stage import ScoreRun
from adversity.engine.summary.report_stage import ReportRun
from adversity.pipeline.plan.stop_rules import in_rounds

if TYPE_CHECKING:
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Plan, Stage

__all__ = ["open_stage"]

_RUNS: dict[str, type[StageRun]] = {
    "define": FitRun,
    "predict": PredictRun,
    "score": ScoreRun,
    "attack": AttackRun,
}


def open_stage(plan: Plan, stage: Stage, workspace: Workspace) -> StageRun:
    """Open a stage for running; torch has one thread from here on.

    Raises:
        InputError: If this machine has not the pipeline's device.
        DataError: If a data set it reads is missing or wrong, or images that fit what rests on
            the stage would judge it as well.
    """
    one_thread()
    refuse_absent_device(plan)
    if stage.step.startswith("data:"):
        return DataRun(plan, stage, workspace)
    keep_apart(toolbox_of(plan, workspace), stage.step)
    if stage.step == "report":
        return ReportRun(plan, stage, workspace)
    node = plan.steps[stage.step]
    return (RoundsRun if in_rounds(node) else _RUNS[node.role])(plan, stage, workspace)
