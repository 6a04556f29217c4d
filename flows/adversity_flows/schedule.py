"""Pipelines on their cron, through Prefect: `adversity schedule serve`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError
from adversity.pipeline.load import load_pipeline
from adversity_flows.prefect_settings import prefect_context
from adversity_flows.server import ServerError, alive, project_server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prefect.deployments.runner import RunnerDeployment

    from adversity.pipeline.spec import PipelineSpec, ScheduleSpec

__all__ = ["serve_schedule"]

POLL_SECONDS = 5.0
WATCH_SECONDS = 5.0
PATIENCE = 3  # health requests in a row that may go unanswered on a busy machine


def serve_schedule(
    root: Path, pipelines: Sequence[Path], *, announce: Callable[[str], None]
) -> None:
    """Run pipelines whenever their schedule says, until interrupted.

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
    with project_server(root) as url, prefect_context(url, log=log):
        deployments = [_deployment(root, *plan) for plan in plans]
        for file, _, schedule in plans:
            announce(f"{file}: {schedule.cron} ({schedule.timezone})")
        announce(f"runs are listed at {url.removesuffix('/').removesuffix('/api')}")
        try:
            asyncio.run(_serve(deployments, url))
        except KeyboardInterrupt:
            return


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


def _deployment(
    root: Path, file: str, spec: PipelineSpec, schedule: ScheduleSpec
) -> RunnerDeployment:
    """Return what Prefect has to know of a pipeline to run it on its cron."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    from adversity_flows.scheduled_run import scheduled_run

    return RunnerDeployment.from_flow(
        scheduled_run,
        name=spec.name,
        schedule=Cron(schedule.cron, timezone=schedule.timezone),
        paused=False,  # the last `serve` paused it when it ended
        parameters={"root": str(root), "pipeline": file},
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def _serve(deployments: list[RunnerDeployment], url: str) -> None:
    """Start runs as they become due, as long as the server answers."""
    from prefect import aserve

    runner: asyncio.Task[Any] = asyncio.create_task(
        aserve(*deployments, limit=1, print_starting_message=False, query_seconds=POLL_SECONDS)
    )
    watch = asyncio.create_task(_until_gone(url))
    try:
        await asyncio.wait({runner, watch}, return_when=asyncio.FIRST_COMPLETED)
    finally:  # also when interrupted: the runner pauses the schedules as it ends
        for task in (watch, runner):
            task.cancel()
        await asyncio.gather(watch, runner, return_exceptions=True)
    if not watch.cancelled():
        raise ServerError(f"the Prefect server at {url} stopped answering; start serving again")
    await runner


async def _until_gone(url: str) -> None:
    """Return when the server does not answer any more."""
    missed = 0
    while missed < PATIENCE:
        await asyncio.sleep(WATCH_SECONDS)
        missed = 0 if await asyncio.to_thread(alive, url) else missed + 1
