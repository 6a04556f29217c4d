"""The flow `run_pipeline`: a Prefect task for each step with an artifact, its shards mapped.

Prefect shows and schedules here and decides nothing: what is stale and what happened is the
conductor's to say, and whatever Prefect fails at is done by the direct loop instead. Nothing
is cached or stored by Prefect.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity_flows.prefect_flows.artifacts import Publisher
from adversity_flows.prefect_flows.held_runs import hold, mark_crashed
from adversity_flows.prefect_flows.mapped_shards import MappedShards
from adversity_flows.prefect_flows.server import ServerError, alive, project_server
from adversity_flows.prefect_flows.settings import giving_up, prefect_context
from adversity_flows.prefect_flows.states import state_of
from adversity_flows.redaction import without_secrets
from adversity_flows.steps.remaining_steps import Agenda

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefect.client.schemas.objects import State
    from prefect.task_runners import TaskRunner

    from adversity.engine.stages.stage import Progress, Shard, StageRun
    from adversity.pipeline.plan.model import Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.steps.run_steps import StepRecorder
    from adversity_flows.steps.watch import Watcher

    Conclude = Callable[[], tuple[int, str]]

__all__ = ["run_with_prefect"]


def run_with_prefect(
    conductor: StepRecorder,
    watcher: Watcher,
    *,
    workers: int,
    log: Path | None = None,
    warn: Callable[[str], None] | None = None,
    conclude: Conclude | None = None,
) -> tuple[Outcome, ...]:
    """Run a pipeline as a Prefect flow, with the same results as `conduct`.

    Prefect is not even imported when no step is stale.

    Args:
        conductor: The plan and its memory.
        watcher: Told of progress, from this thread only.
        workers: Shards at a time.
        log: The file for Prefect's log, usually in the run's folder; None drops it.
        warn: Told when the run has to go on without Prefect; None writes to standard error.
        conclude: Called after the last step; returns the run's exit code and its meaning.

    Returns:
        What happened to each step, in order.

    Raises:
        AdversityError: A step failed; the error is the step's own. What ran before is recorded
            and stands in `conductor.outcomes`.
    """
    agenda = Agenda(conductor, watcher)
    agenda.pass_unchanged()
    if agenda.left:
        places = conductor.runner.places(workers)
        trouble = _through_prefect(agenda, places, log, conclude)
        if agenda.error is not None:
            raise agenda.error
        if trouble is not None:
            warn = warn or _to_stderr
            warn(f"warning: {without_secrets(trouble)}; the run goes on without Prefect")
        agenda.finish_directly(workers)
    return tuple(conductor.outcomes)


def _through_prefect(
    agenda: Agenda, workers: int, log: Path | None, conclude: Conclude | None
) -> str | None:
    """Do what is left as a flow; return what went wrong with Prefect, if anything did."""
    url = ""
    try:
        with ExitStack() as stack:
            url = stack.enter_context(project_server(agenda.conductor.workspace.root))
            stack.enter_context(prefect_context(url, log=log))
            _mark_crashed(agenda.conductor.workspace.root)
            _RunPipeline(agenda, workers, url, stack).flow(conclude)
    except ServerError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (a failure of Prefect is not one of the run)
        if not alive(url):
            return f"the Prefect server at {url} stopped answering"
        first_line = next(iter(str(error).splitlines()), "")
        return f"Prefect failed ({type(error).__name__}: {first_line})"
    return None


def _mark_crashed(root: Path) -> None:
    """Mark the runs that were killed before this one; no trouble with it costs this one."""
    from prefect.client.orchestration import get_client

    with suppress(Exception), get_client(sync_client=True) as client:
        mark_crashed(root, client)


class _PrefectGoneError(Exception):
    """Prefect stopped answering, or did not run what it was given."""


class _RunPipeline:
    """The flow over one agenda."""

    def __init__(self, agenda: Agenda, workers: int, url: str, stack: ExitStack) -> None:
        plan = agenda.conductor.plan
        self._agenda = agenda
        self._workers = workers
        self._url = url
        self._stack = stack
        self._retries = plan.spec.run.retries
        self._publisher = Publisher(plan.name, agenda.conductor.workspace.outputs, url)

    def flow(self, conclude: Conclude | None) -> None:
        """Run the flow; its state is the verdict's."""
        from prefect import Flow

        plan = self._agenda.conductor.plan
        ended = False

        def run_pipeline(pipeline: str) -> Any:  # the parameter is shown in the UI
            nonlocal ended
            self._hold()
            for stage in plan.stages:
                if not alive(self._url):
                    self._stack.enter_context(giving_up())
                    raise _PrefectGoneError
                self._task(stage)(stage.step)
            ended = True
            return state_of(*conclude()) if conclude else None

        flow: Any = Flow(
            run_pipeline,
            name="run_pipeline",
            flow_run_name=plan.name,
            task_runner=_task_runner(self._workers),
            persist_result=False,
        )
        state = flow(plan.file, return_state=True)
        if not ended:
            state.result()  # raises what the flow failed with

    def _hold(self) -> None:
        """Say that this process does the flow run, until Prefect has written its last state."""
        from prefect.runtime import flow_run

        held = hold(self._agenda.conductor.workspace.root, str(flow_run.id))
        if held is not None:
            self._stack.callback(held.close)

    def _task(self, stage: Stage) -> Callable[[str], object]:
        """Return the task of a step, named by the step and the views inside it."""
        from prefect import Task
        from prefect.cache_policies import NO_CACHE

        def run_step(step: str) -> State[None]:
            return self._step(self._agenda.conductor.plan.stage(step))

        return Task(
            run_step,
            name=stage.step,
            task_run_name=stage.step + (f" ({' > '.join(stage.views)})" if stage.views else ""),
            cache_policy=NO_CACHE,
            persist_result=False,
        )

    def _step(self, stage: Stage) -> State[None]:
        """Do one step, or find that nothing is to be done."""
        from prefect.states import Completed

        agenda = self._agenda
        started = time.monotonic()
        with agenda.own(stage):
            outcome = agenda.unchanged(stage)
        if outcome is not None:
            return Completed(name="Cached", message=outcome.reason)
        try:
            with agenda.own(stage):
                stage_run, most = agenda.begin(stage)
            self._publisher.start(stage)
            done = 0
            for wave in agenda.waves(stage, stage_run):
                self._shards(stage, stage_run, wave, done=done, most=most)
                done += len(wave)
            if 0 < done < most:
                self._publisher.advance(1.0)  # rounds that were not needed
            with agenda.own(stage):
                seconds = time.monotonic() - started
                outcome, result = agenda.complete(stage, stage_run, seconds=seconds)
        except KeyboardInterrupt:
            with agenda.own(stage):
                raise
        finally:
            agenda.conductor.abandon(stage)
        self._publisher.finish(stage, result)
        return Completed(message="; ".join([outcome.reason, *result.notes]))

    def _shards(
        self, stage: Stage, stage_run: StageRun, wave: tuple[Shard, ...], *, done: int, most: int
    ) -> None:
        """Map a wave on the task runner; a shard that Prefect lost is left to the direct loop."""
        from prefect.futures import as_completed

        shards = {shard.index: shard for shard in wave}
        mapped = MappedShards(stage, stage_run, shards, self._agenda.conductor.runner)
        stage_run.on_progress = partial(self._went_on, stage, mapped, done=done, most=most)
        labels = [f"{stage.step} {shard.label}".rstrip() for shard in wave]
        futures = mapped.task(self._retries).map(list(shards), labels)
        index_of = {future.task_run_id: i for future, i in zip(futures, shards, strict=True)}
        try:
            for future in as_completed(futures):
                index = index_of[future.task_run_id]
                if index not in mapped.finished:  # the future itself would query the server
                    mapped.stop()
                    continue
                who, shard = mapped.by[index], shards[index]
                self._agenda.shard_finished(stage, replace(shard, by=who) if who else shard)
                self._publisher.advance((done + mapped.share) / most)
        finally:
            mapped.stop()  # interrupted: those at work end, no further one starts
        with self._agenda.own(stage):
            mapped.raise_first()
        if len(mapped.finished) < len(shards):
            raise _PrefectGoneError

    def _went_on(
        self,
        stage: Stage,
        mapped: MappedShards,
        shard: Shard,
        progress: Progress,
        *,
        done: int,
        most: int,
    ) -> None:
        """Show how far a shard is that takes long; from the thread that computes it."""
        mapped.parts[shard.index] = progress.share
        self._agenda.shard_went_on(stage, shard, progress)
        part = min((done + mapped.share) / most, _NOT_FULL)  # its artifact is still to be written
        self._publisher.advance(part, f"{shard.label}: {progress.words}")


_NOT_FULL = 0.99


def _task_runner(workers: int) -> TaskRunner[Any]:
    """Return what shards are mapped on: a thread for each, which waits where others compute."""
    from prefect.task_runners import ThreadPoolTaskRunner

    return ThreadPoolTaskRunner(max_workers=max(1, workers))


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
