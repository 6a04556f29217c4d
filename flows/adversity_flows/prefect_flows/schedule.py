"""Pipelines on their cron, through Prefect: `adversity schedule serve`."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from adversity.errors import InputError
from adversity.pipeline.read.cron import clock_changes
from adversity.pipeline.read.interval import interval_of
from adversity.pipeline.read.load import load_pipeline
from adversity_flows.ending_signals import heard_signals
from adversity_flows.prefect_flows.due import anchor
from adversity_flows.prefect_flows.proxies import proxies_aside
from adversity_flows.prefect_flows.server import ServerError, alive, page_of, project_server
from adversity_flows.prefect_flows.settings import prefect_context
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner
    from prefect.schedules import Schedule

    from adversity.pipeline.read.spec import PipelineSpec, ScheduleSpec

__all__ = ["serve_schedule"]

POLL_SECONDS = 5.0
WATCH_SECONDS = 5.0
ANSWER_SECONDS = 10.0
STOP_SECONDS = 60.0  # a run that is cancelled ends its shards first
PATIENCE = 3  # health requests in a row that may go unanswered on a busy machine


def serve_schedule(
    root: Path, pipelines: Sequence[Path], *, announce: Callable[[str], None]
) -> None:
    """Run pipelines whenever their schedule says, until a signal ends it (Ctrl-C, SIGTERM).

    Every run is an `adversity run` in a process of its own. While one works, a further run of
    the same pipeline is cancelled, and one of another pipeline waits: a project has one recorder.

    Args:
        root: The project's folder.
        pipelines: Pipeline files, each with a `schedule:`.
        announce: Told a line for each pipeline, and where the runs can be seen.

    Raises:
        InputError: A pipeline has no schedule, or there is none.
        ServerError: Prefect's server did not start, or ended by itself.
    """
    root = root.resolve()
    specs = [(_relative(path, root), load_pipeline(path, root=root).spec) for path in pipelines]
    if not specs:
        raise InputError("expected at least one pipeline file with a schedule, got none")
    plans = [(file, spec, _schedule(file, spec)) for file, spec in specs]
    log = root / ".adversity" / "prefect" / "schedule.log"
    with project_server(root) as url, proxies_aside(url), prefect_context(url, log=log):
        if not alive(url, timeout=ANSWER_SECONDS):
            raise ServerError(
                f"the Prefect server at {without_secrets(url)} does not answer; start it, correct "
                "PREFECT_API_URL, or unset it to have the project's own"
            )
        deployments = [_deployment(root, *plan) for plan in plans]
        for file, _, schedule in plans:
            announce(f"{file}: {schedule.words}")
            for change in clock_changes(schedule.cron, schedule.timezone) if schedule.cron else ():
                announce(f"  ! {change}")
        announce(f"runs are listed at {without_secrets(page_of(url))}")
        asyncio.run(_serve(deployments, url))


def _schedule(file: str, spec: PipelineSpec) -> ScheduleSpec:
    """Return a pipeline's schedule."""
    if spec.schedule is None:
        raise InputError(
            f"{file}: expected a schedule, found none; add a line such as "
            '`schedule: {cron: "0 2 * * *", timezone: UTC}`'
        )
    return spec.schedule


def _relative(path: Path, root: Path) -> str:
    """Return a pipeline file as a run in the project names it."""
    path = (root / path).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"expected a pipeline file within {root}, got {path}")
    return path.relative_to(root).as_posix()


def _times(schedule: ScheduleSpec) -> Schedule:
    """Return a schedule as Prefect has it; intervals are counted from a midnight long ago."""
    from prefect.schedules import Cron, Interval

    if schedule.cron:
        return Cron(schedule.cron, timezone=schedule.timezone)
    return Interval(
        interval_of(str(schedule.interval)),
        anchor_date=anchor(schedule.timezone),
        timezone=schedule.timezone,
    )


def _deployment(
    root: Path, file: str, spec: PipelineSpec, schedule: ScheduleSpec
) -> RunnerDeployment:
    """Return what Prefect has to know of a pipeline to run it on its cron."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from adversity_flows.prefect_flows.scheduled_run import scheduled_run

    return RunnerDeployment.from_flow(
        scheduled_run,
        name=spec.name,
        schedule=_times(schedule),
        paused=False,  # the last `serve` paused it when it ended
        parameters={"root": str(root), "pipeline": file},
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def _serve(deployments: list[RunnerDeployment], url: str) -> None:
    """Start runs as they become due, as long as the server answers and no signal ends it."""
    from prefect.runner import Runner

    runner = Runner(pause_on_shutdown=True, limit=1, query_seconds=POLL_SECONDS)
    # Its own would exit from within the signal, through a traceback of the event loop.
    runner.handle_sigterm = lambda *_, **__: None  # type: ignore[method-assign]
    ended = asyncio.Event()
    tasks: tuple[asyncio.Task[Any], ...] = (
        asyncio.create_task(_work(runner, deployments)),
        asyncio.create_task(_until_gone(url)),
        asyncio.create_task(ended.wait()),
    )
    work, gone, _ = tasks
    with _heeding_signals(ended.set):
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if ended.is_set() and runner.started:
            await runner.astop()  # a run at work is cancelled, and says so
            await asyncio.wait({work}, timeout=STOP_SECONDS)
        for task in tasks:
            if not task.done():
                task.cancel()  # the runner pauses the schedules as it ends
        await asyncio.gather(*tasks, return_exceptions=True)
    if ended.is_set():
        return
    if gone.done() and not gone.cancelled():
        raise ServerError(
            f"the Prefect server at {without_secrets(url)} stopped answering; start serving again"
        )
    await work


async def _work(runner: Runner, deployments: list[RunnerDeployment]) -> None:
    for deployment in deployments:
        await cast("Awaitable[Any]", runner.add_deployment(deployment))
    await runner.start()


@contextmanager
def _heeding_signals(tell: Callable[[], object]) -> Iterator[None]:
    """Call `tell` at each signal that ends this process, from within the event loop."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in heard_signals()}
    for number in before:
        loop.add_signal_handler(number, tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


async def _until_gone(url: str) -> None:
    """Return when the server does not answer any more."""
    missed = 0
    while missed < PATIENCE:
        await asyncio.sleep(WATCH_SECONDS)
        missed = 0 if await asyncio.to_thread(alive, url) else missed + 1
