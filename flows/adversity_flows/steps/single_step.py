"""One step by itself: what `adversity step PIPELINE STEP` does, the command of every DVC stage."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.errors import InputError, StaleInputsError
from adversity_flows.dvc import resolved
from adversity_flows.dvc.recorder import DvcRecorder, stale_message
from adversity_flows.dvc.replace import finish_beside
from adversity_flows.dvc.sync import definition_changes
from adversity_flows.runners.open_runner import open_runner
from adversity_flows.runs.attack_ledger import keep_attack
from adversity_flows.runs.past_runs import keep_from_git
from adversity_flows.steps.run_steps import (
    Opener,
    Reader,
    StepRecorder,
    conduct_stage,
    start_reason,
)
from adversity_flows.steps.shards import in_step, run_waves
from adversity_flows.steps.watch import Silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageResult
    from adversity.pipeline.plan.model import Plan, Stage
    from adversity_flows.steps.watch import Watcher

__all__ = ["run_by_dvc", "step_command"]

_EXPERIMENTS = ".dvc/tmp/exps"


def step_command(
    plan: Plan,
    step: str,
    workspace: Workspace,
    *,
    watcher: Watcher | None = None,
    workers: int | None = None,
    opener: Opener | None = None,
    reader: Reader | None = None,
) -> StageResult:
    """Run one step.

    Under `dvc repro` DVC has removed the old outputs and records by itself afterwards; then this
    computes, and fails if an input changed meanwhile, which DVC does not notice. Called by hand
    it decides and records like a run of that one step.

    Args:
        plan: The pipeline, resolved.
        step: The step's id, `report`, or `data:<plugin name>`.
        workspace: Where it runs.
        watcher: Told of progress.
        workers: Shards at a time; the pipeline's `run.workers` if not given.
        opener: What opens a stage; the engine's `open_stage` if not given.
        reader: What reads an artifact back; the engine's `recall` if not given.

    Raises:
        InputError: If there is no such step, or `dvc.yaml` or the resolved plugins are not in
            step with the pipeline.
        StaleInputsError: If an input changed while the step ran.
    """
    stage = _stage(plan, step)
    watcher = watcher or Silent()
    workers = workers or plan.spec.run.workers
    with DvcRecorder.open(workspace.root) as memory:
        conductor = StepRecorder(plan, workspace, memory, opener=opener, reader=reader)
        with open_runner(plan, workers) as conductor.runner:
            if run_by_dvc(stage, workspace.root, os.environ):
                return _compute(conductor, stage, watcher, workers)
            return conduct_stage(conductor, stage, watcher, workers=workers)


def run_by_dvc(stage: Stage, root: Path, environment: Mapping[str, str]) -> bool:
    """Say whether DVC runs this process as the command of this stage.

    An experiment out of a queue runs in a folder of its own, and DVC names the project that it is
    an experiment of.
    """
    name = environment.get("DVC_STAGE", "").rpartition(":")[2]
    dvc_root = environment.get("DVC_ROOT")
    if name != stage.name or dvc_root is None:
        return False
    project, here = Path(dvc_root).resolve(), root.resolve()
    queued = "DVC_EXP_BASELINE_REV" in environment and here.is_relative_to(project / _EXPERIMENTS)
    return here == project or queued


def _stage(plan: Plan, step: str) -> Stage:
    for stage in plan.stages:
        if stage.step == step:
            return stage
    known = ", ".join(stage.step for stage in plan.stages)
    inside = next((stage.step for stage in plan.stages if step in stage.views), None)
    hint = f"; it is a view that runs inside {inside}" if inside else ""
    raise InputError(
        f"{plan.file}: expected a step that leaves an artifact ({known}), got {step!r}{hint}"
    )


def _compute(conductor: StepRecorder, stage: Stage, watcher: Watcher, workers: int) -> StageResult:
    """Compute a stage for DVC, which holds its own locks on it and records it afterwards."""
    plan, memory = conductor.plan, conductor.memory
    with in_step(stage):
        changes = [*definition_changes(plan, stage), *resolved.verify(plan)]
        if changes:
            raise InputError(
                f"{plan.file} is not what dvc.yaml was written from ({'; '.join(changes)}); run "
                "`adversity sync`"
            )
        keep_from_git(plan.root)
        before = memory.hashes(stage)
        stage_run = conductor.open(stage)
        pending = stage_run.pending()
    watcher.stage_started(
        stage, len(stage_run.shards), len(pending), start_reason(stage_run, "dvc repro")
    )
    stage_run.on_progress = partial(watcher.shard_went_on, stage)
    retries, runner = plan.spec.run.retries, conductor.runner
    for shard in run_waves(stage_run, workers=workers, retries=retries, runner=runner):
        watcher.shard_finished(stage, shard)
    with in_step(stage), finish_beside(stage, stage_run, conductor.workspace.outputs) as finished:
        result, into_place = finished
        changes = before.changes(memory.hashes(stage))
        if changes:
            raise StaleInputsError(stale_message(changes))
        with into_place():
            pass
        keep_attack(plan, stage, conductor.workspace)
    return result
