"""The flow `run_pipeline`: a Prefect task for each step with an artifact, its shards mapped.

Prefect shows and schedules here and decides nothing: what is stale and what happened is the
conductor's to say, and whatever Prefect fails at is done by the direct loop instead. Nothing
is cached or stored by Prefect.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from adversity_flows.prefect_flows.artifacts import Publisher
from adversity_flows.prefect_flows.server import ServerError, alive, project_server
from adversity_flows.prefect_flows.settings import giving_up, prefect_context
from adversity_flows.prefect_flows.states import state_of
from adversity_flows.redaction import without_secrets
from adversity_flows.steps.remaining_steps import Agenda
from adversity_flows.steps.shards import in_step, transient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prefect import Task
    from prefect.client.schemas.objects import State
    from prefect.task_runners import TaskRunner

    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.steps.run_steps import StepRecorder
    from adversity_flows.steps.watch import Watcher

    Conclude = Callable[[], tuple[int, str]]

__all__ = ["run_with_prefect"]

FIRST_PAUSE = 0.25  # seconds before the first retry of a shard; doubled for each further one


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
        trouble = _through_prefect(agenda, workers, log, conclude)
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
            _RunPipeline(agenda, workers, url, stack).flow(conclude)
    except ServerError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (a failure of Prefect is not one of the run)
        if not alive(url):
            return f"the Prefect server at {url} stopped answering"
        first_line = next(iter(str(error).splitlines()), "")
        return f"Prefect failed ({type(error).__name__}: {first_line})"
    return None


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
        mapped = _Shards(stage, stage_run, shards)
        labels = [f"{stage.step} {shard.label}".rstrip() for shard in wave]
        futures = mapped.task(self._retries).map(list(shards), labels)
        index_of = {future.task_run_id: i for future, i in zip(futures, shards, strict=True)}
        try:
            for future in as_completed(futures):
                index = index_of[future.task_run_id]
                if index not in mapped.finished:  # the future itself would query the server
                    mapped.stop()
                    continue
                self._agenda.shard_finished(stage, shards[index])
                self._publisher.advance((done + len(mapped.finished)) / most)
        finally:
            mapped.stop()  # interrupted: those at work end, no further one starts
        with self._agenda.own(stage):
            mapped.raise_first()
        if len(mapped.finished) < len(shards):
            raise _PrefectGoneError


class _Shards:
    """Shards of one step as runs of one task, which gets only an index and a name.

    The work stays in this closure: Prefect would walk through every argument of a task.

    Attributes:
        finished: Indices of the shards that are done.
    """

    def __init__(self, stage: Stage, stage_run: StageRun, shards: Mapping[int, Shard]) -> None:
        self.finished: set[int] = set()
        self._stage = stage
        self._stage_run = stage_run
        self._shards = shards
        self._errors: dict[int, BaseException] = {}
        self._stopped = threading.Event()

    def task(self, retries: int) -> Task[[int, str], Any]:
        """Return the task; only passing errors of the system are tried again."""
        from prefect import Task
        from prefect.cache_policies import NO_CACHE
        from prefect.states import Cancelled
        from prefect.tasks import exponential_backoff

        def run_shard(index: int, label: str) -> State[None] | None:
            if self._stopped.is_set():
                return Cancelled(message="another shard of the step failed")
            self._run(index)
            return None

        return Task(
            run_shard,
            name="shard",
            task_run_name="{label}",
            retries=retries,
            retry_delay_seconds=exponential_backoff(FIRST_PAUSE),
            retry_condition_fn=lambda _task, _run, state: _transient(state.data),
            cache_policy=NO_CACHE,
            persist_result=False,
        )

    def stop(self) -> None:
        """Start no more shards."""
        self._stopped.set()

    def raise_first(self) -> None:
        """Raise the error of the first shard that failed for good."""
        if self._errors:
            raise self._errors[min(self._errors)]

    def _run(self, index: int) -> None:
        """Run one shard, and keep the error of its last attempt."""
        shard = self._shards[index]
        try:
            with in_step(self._stage, shard):
                self._stage_run.run_shard(shard)
        except BaseException as error:
            self._errors[index] = error
            raise
        self._errors.pop(index, None)
        self.finished.add(index)


def _transient(error: object) -> bool:
    """Tell whether a shard that failed so is tried again."""
    return isinstance(error, BaseException) and transient(error)


def _task_runner(workers: int) -> TaskRunner[Any]:
    """Return what shards are mapped on: the place for a runner over many machines."""
    from prefect.task_runners import ThreadPoolTaskRunner

    return ThreadPoolTaskRunner(max_workers=max(1, workers))


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
