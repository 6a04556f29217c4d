"""The sequence of a run: what is stale, what runs, what is recorded.

`StepRecorder` is the one recorder that every door uses (the direct loop below, the Prefect flow,
`adversity step`); `conduct` is the direct door.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError, StaleInputsError, StorageError
from adversity.report.values.model import Outcome
from adversity_flows.dvc import resolved
from adversity_flows.dvc.recorder import Decision, DvcRecorder, Inputs, stale_message
from adversity_flows.dvc.replace import finish_beside, recover
from adversity_flows.dvc.sync import sync_pipeline
from adversity_flows.runners.runner import Runner, Threads
from adversity_flows.runs.attack_ledger import keep_attack
from adversity_flows.runs.past_runs import keep_from_git
from adversity_flows.steps.first_copies import take_turns
from adversity_flows.steps.same_file import refuse_another_file
from adversity_flows.steps.shards import in_step, run_waves
from adversity_flows.steps.watch import Silent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageResult, StageRun
    from adversity.pipeline.plan.model import Plan, Stage
    from adversity_flows.steps.watch import Watcher

__all__ = ["Decision", "StepRecorder", "conduct", "conduct_stage", "start_reason"]

Opener = Callable[["Plan", "Stage", "Workspace"], "StageRun"]
Reader = Callable[["Plan", "Stage", "Workspace"], "StageResult"]


class StepRecorder:
    """Decides, begins, completes and recalls the stages of one plan.

    Attributes:
        plan: The pipeline, resolved.
        workspace: Where it runs.
        memory: DVC.
        force: Steps that run whatever DVC says, finished shards included.
        outcomes: What happened so far, a failed step included.
        runner: Who computes shards: threads, until another is given.
    """

    def __init__(
        self,
        plan: Plan,
        workspace: Workspace,
        memory: DvcRecorder,
        *,
        force: Collection[str] = (),
        opener: Opener | None = None,
        reader: Reader | None = None,
    ) -> None:
        """Take what a run needs; nothing is read or written yet.

        Args:
            plan: The pipeline, resolved.
            workspace: Where it runs; outputs must lie in the project.
            memory: DVC.
            force: Steps that run whatever DVC says.
            opener: What opens a stage; the engine's by default.
            reader: What reads an artifact back; the engine's by default.

        Raises:
            InputError: If the outputs lie elsewhere: DVC could not record them.
        """
        if workspace.outputs.resolve() != memory.root:
            raise InputError(
                f"expected outputs in the project {memory.root}, got {workspace.outputs}: DVC "
                "records only what lies in the project; use `adversity.run(..., into=...)`"
            )
        self.plan = plan
        self.workspace = workspace
        self.memory = memory
        self.outcomes: list[Outcome] = []
        self.runner: Runner = Threads()
        self.force = frozenset(force)
        self._opener = opener or _open_stage
        self._reader = reader or _read_stage
        self._inputs: dict[str, Inputs] = {}
        self._planned: dict[str, Inputs] | None = None
        self._recalled: dict[str, StageResult] = {}

    def prepare(self) -> None:
        """Bring `dvc.yaml` and the resolved plugins in step with the plan; once a run.

        The parameters are read here: a pipeline file edited later does not speak for this run.
        Packaged data that another run is writing are waited for.

        Raises:
            InputError: If the plan is not what the pipeline file says.
        """
        if self._planned is None:
            refuse_another_file(self.plan)
            resolved.write(self.plan)
            sync_pipeline(self.plan)
            self._planned = {
                stage.name: self.memory.parameters(stage) for stage in self.plan.stages
            }
            take_turns(self.memory, self.plan.stages)

    def deciding(self) -> AbstractContextManager[None]:
        """Return what makes several decisions in a row cheaper; nothing may run inside."""
        return self.memory.deciding()

    def decide(self, stage: Stage) -> Decision:
        """Ask DVC whether a stage must run; a run-cache restore counts as not stale.

        What DVC calls unchanged is read, and made again if it is damaged.

        Raises:
            StaleInputsError: If the pipeline file was edited since the run began.
        """
        self.prepare()
        with in_step(stage):
            self._still_planned(stage)
            for path in self._targets(stage):
                recover(path)
            decision = self.memory.state(stage, force=stage.step in self.force)
            return decision if decision.stale else self._proved(stage, decision)

    def begin(self, stage: Stage) -> StageRun:
        """Reserve a stage, hash what it depends on and open it."""
        self.prepare()
        with in_step(stage):
            keep_from_git(self.workspace.root)
            self.memory.reserve(stage)
            try:
                self._inputs[stage.name] = self.memory.hashes(stage)
                self._still_planned(stage)
                return self.open(stage)
            except BaseException:
                self.abandon(stage)
                raise

    def open(self, stage: Stage) -> StageRun:
        """Open a stage and nothing else."""
        return self._opener(self.plan, stage, self.runner.workspace(self.workspace))

    def complete(self, stage: Stage, stage_run: StageRun) -> StageResult:
        """Write the artifact, prove that the inputs are what they were, and record.

        Raises:
            StaleInputsError: If an input changed while the stage ran; nothing is recorded and
                the old artifact stays.
            StorageError: If the disk is full; likewise.
        """
        try:
            with in_step(stage):
                result = self._finish(stage, stage_run, self._inputs[stage.name])
                keep_attack(self.plan, stage, self.workspace)
                if stage.step == "report":
                    sync_pipeline(self.plan)
                return result
        finally:
            self.abandon(stage)

    def read_result(self, stage: Stage) -> StageResult:
        """Read the result of an unchanged stage from its artifact."""
        with in_step(stage):
            keep_attack(self.plan, stage, self.workspace)  # it may have been pulled
            known = self._recalled.pop(stage.name, None)
            return known or self._reader(self.plan, stage, self.workspace)

    def abandon(self, stage: Stage) -> None:
        """Let go of a stage that was begun; finished shards stay."""
        self._inputs.pop(stage.name, None)
        self.memory.release(stage.name)

    def _proved(self, stage: Stage, decision: Decision) -> Decision:
        """Call a stage stale whose artifact is not what was written: DVC looks at times alone."""
        try:
            self._recalled[stage.name] = self._reader(self.plan, stage, self.workspace)
        except StorageError as error:
            fault = str(error).partition(";")[0]  # without what to do, which happens now
            return Decision(stale=True, reason=f"it is made again: {fault}")
        return decision

    def _targets(self, stage: Stage) -> list[Path]:
        return [self.workspace.outputs / path for path in (stage.out, stage.metrics) if path]

    def _still_planned(self, stage: Stage) -> None:
        planned = (self._planned or {})[stage.name]
        changes = planned.changes(self.memory.parameters(stage))
        if changes:
            raise StaleInputsError(stale_message(changes))

    def _finish(self, stage: Stage, stage_run: StageRun, before: Inputs) -> StageResult:
        write = finish_beside(stage, stage_run, self.workspace.outputs)
        with write as (result, into_place):
            changes = before.changes(self.memory.hashes(stage))
            if changes:
                raise StaleInputsError(stale_message(changes))
            with into_place():
                self.memory.record(stage, before)
        return result


def conduct(
    conductor: StepRecorder, watcher: Watcher | None = None, *, workers: int = 1
) -> tuple[Outcome, ...]:
    """Run a plan directly: every stale stage, in order; stop at the first that fails.

    Args:
        conductor: Plan and memory.
        watcher: Told of progress, from this thread.
        workers: Shards at a time.

    Raises:
        AdversityError: A step failed; what ran before stands in `conductor.outcomes`.
    """
    conductor.outcomes.clear()
    conductor.prepare()
    for stage in conductor.plan.stages:
        conduct_stage(conductor, stage, watcher or Silent(), workers=workers)
    return tuple(conductor.outcomes)


def conduct_stage(
    conductor: StepRecorder, stage: Stage, watcher: Watcher, *, workers: int
) -> StageResult:
    """Run one stage if it is stale, and add its outcome to the conductor's."""
    started = time.monotonic()
    reason = "not decided"
    try:
        decision = conductor.decide(stage)
        reason = decision.reason
        if decision.stale:
            result = _run_stage(conductor, stage, watcher, reason, workers)
            outcome = Outcome(stage.step, "ran", reason, time.monotonic() - started)
        else:
            result = conductor.read_result(stage)
            outcome = Outcome(stage.step, "cached", reason)
    except BaseException:
        seconds = time.monotonic() - started
        conductor.outcomes.append(Outcome(stage.step, "failed", reason, seconds))
        raise
    conductor.outcomes.append(outcome)
    watcher.stage_finished(stage, outcome, result)
    return result


def _run_stage(
    conductor: StepRecorder, stage: Stage, watcher: Watcher, reason: str, workers: int
) -> StageResult:
    stage_run = conductor.begin(stage)
    try:
        force = stage.step in conductor.force
        pending = stage_run.shards if force else stage_run.pending()
        reason = start_reason(stage_run, reason)
        watcher.stage_started(stage, len(stage_run.shards), len(pending), reason)
        stage_run.on_progress = partial(watcher.shard_went_on, stage)
        how: Any = {"retries": conductor.plan.spec.run.retries, "runner": conductor.runner}
        for shard in run_waves(stage_run, force=force, workers=workers, **how):
            watcher.shard_finished(stage, shard)
        return conductor.complete(stage, stage_run)
    finally:
        conductor.abandon(stage)


def start_reason(stage_run: StageRun, reason: str) -> str:
    """Add to why a stage runs what was found damaged in the store, which is computed again."""
    damaged = len(stage_run.damaged)
    if not damaged:
        return reason
    files = "1 file" if damaged == 1 else f"{damaged} files"
    return f"{reason}; {files} in the store damaged, taken out and computed again"


def _open_stage(plan: Plan, stage: Stage, workspace: Workspace) -> StageRun:
    from adversity_flows.steps.version_stage import open_stage

    return open_stage(plan, stage, workspace)


def _read_stage(plan: Plan, stage: Stage, workspace: Workspace) -> StageResult:
    from adversity.engine.stages.read_result import read_result

    return read_result(plan, stage, workspace)
