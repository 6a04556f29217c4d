"""Opening a stage of a plan: the one place that knows what runs each kind of step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.apart import keep_apart
from adversity.engine.attack_stage import AttackRun
from adversity.engine.blocks import one_thread
from adversity.engine.data_stage import DataRun
from adversity.engine.device import refuse_absent_device
from adversity.engine.fit_stage import FitRun
from adversity.engine.predict_stage import PredictRun
from adversity.engine.report_stage import ReportRun
from adversity.engine.rounds_stage import RoundsRun
from adversity.engine.score_stage import ScoreRun
from adversity.engine.toolbox import toolbox_of
from adversity.pipeline.early import in_rounds

if TYPE_CHECKING:
    from adversity.engine.stage import StageRun
    from adversity.engine.workspace import Workspace
    from adversity.pipeline.model import Plan, Stage

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
