"""What is done and what is left of a run whose steps are executed by somebody else.

The flow of Prefect works through an agenda; when it cannot go on, `finish_directly` does the
rest in the direct loop.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from adversity.errors import InputError
from adversity.report.values.model import Outcome
from adversity_flows.steps.run_steps import conduct_stage, start_reason
from adversity_flows.steps.shards import in_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.stages.stage import Progress, Shard, StageResult, StageRun
    from adversity.pipeline.plan.model import Stage
    from adversity_flows.steps.run_steps import Decision, StepRecorder
    from adversity_flows.steps.watch import Watcher

__all__ = ["Agenda"]


class Agenda:
    """What one run has before it; like `conduct`, it keeps outcomes in `conductor.outcomes`.

    Attributes:
        conductor: The plan and its memory.
        error: What a step itself failed with; None if nothing did.
    """

    def __init__(self, conductor: StepRecorder, watcher: Watcher) -> None:
        """Begin with nothing done.

        Args:
            conductor: The plan and its memory.
            watcher: Told of progress.
        """
        self.conductor = conductor
        self.error: BaseException | None = None
        self._watcher = watcher
        self._decisions: dict[str, Decision] = {}
        conductor.outcomes.clear()
        conductor.prepare()

    @property
    def left(self) -> tuple[Stage, ...]:
        """The steps that are not done, in order."""
        done = {outcome.step for outcome in self.conductor.outcomes}
        return tuple(stage for stage in self.conductor.plan.stages if stage.step not in done)

    @contextmanager
    def own(self, stage: Stage) -> Iterator[None]:
        """Note an error as the step's own, to tell it from an error of Prefect."""
        started = time.monotonic()
        try:
            yield
        except BaseException as error:
            self.error = error
            if stage in self.left:  # a watcher can fail after the step is recorded
                decision = self._decisions.get(stage.step)
                reason = decision.reason if decision else "not decided"
                outcome = Outcome(stage.step, "failed", reason, time.monotonic() - started)
                self.conductor.outcomes.append(outcome)
            raise

    def pass_unchanged(self) -> None:
        """Recall steps from the start of the run up to the first stale one."""
        with suppress(InputError), self.conductor.deciding():  # it is said below, at its step
            for stage in self.left:
                if self._decide(stage).stale:
                    break
        for stage in self.left:
            with self.own(stage):
                if self.unchanged(stage) is None:
                    return

    def unchanged(self, stage: Stage) -> Outcome | None:
        """Recall a step if it is unchanged; return None if it has to run."""
        for outcome in self.conductor.outcomes:
            if outcome.step == stage.step:
                return outcome
        decision = self._decide(stage)
        if decision.stale:
            return None
        outcome = Outcome(stage.step, "cached", decision.reason)
        self._close(stage, outcome, self.conductor.read_result(stage))
        return outcome

    def begin(self, stage: Stage) -> tuple[StageRun, int]:
        """Begin a stale step; return it with the number of shards to compute, at most."""
        stage_run = self.conductor.begin(stage)
        pending = stage_run.shards if stage.step in self.conductor.force else stage_run.pending()
        reason = start_reason(stage_run, self._decide(stage).reason)
        self._watcher.stage_started(stage, len(stage_run.shards), len(pending), reason)
        return stage_run, len(pending)

    def waves(self, stage: Stage, stage_run: StageRun) -> Iterator[tuple[Shard, ...]]:
        """Yield the shards to compute; those of a wave must be done before the next is taken."""
        waves = stage_run.waves(force=stage.step in self.conductor.force)
        while True:
            with self.own(stage), in_step(stage):
                wave = next(waves, None)
            if wave is None:
                return
            yield wave

    def shard_went_on(self, stage: Stage, shard: Shard, progress: Progress) -> None:
        """Pass on to the watcher how far a shard is; from the thread that computes it."""
        self._watcher.shard_went_on(stage, shard, progress)

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Pass a finished shard on to the watcher."""
        self._watcher.shard_finished(stage, shard)

    def complete(
        self, stage: Stage, stage_run: StageRun, *, seconds: float
    ) -> tuple[Outcome, StageResult]:
        """Finish and record a step whose shards are all done.

        Args:
            stage: The step.
            stage_run: What `begin` gave.
            seconds: How long it took so far.
        """
        started = time.monotonic()
        result = self.conductor.complete(stage, stage_run)
        seconds += time.monotonic() - started
        outcome = Outcome(stage.step, "ran", self._decide(stage).reason, seconds)
        self._close(stage, outcome, result)
        return outcome, result

    def finish_directly(self, workers: int) -> None:
        """Do the rest as the direct loop does.

        Args:
            workers: Shards at a time.
        """
        for stage in self.left:
            conduct_stage(self.conductor, stage, self._watcher, workers=workers)

    def _decide(self, stage: Stage) -> Decision:
        """Check once whether a step is stale: the second time a restored one gives another reason."""
        if stage.step not in self._decisions:
            self._decisions[stage.step] = self.conductor.decide(stage)
        return self._decisions[stage.step]

    def _close(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        self.conductor.outcomes.append(outcome)
        self._watcher.stage_finished(stage, outcome, result)
