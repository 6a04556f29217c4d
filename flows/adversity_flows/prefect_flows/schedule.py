"""Pipelines on their cron, through Prefect: `adversity schedule serve`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.errors import InputError
from adversity.pipeline.read.cron import clock_changes
from adversity.pipeline.read.load import load_pipeline
from adversity_flows.prefect_flows.deployments import deployments_of, serving
from adversity_flows.prefect_flows.due import prefect_fields
from adversity_flows.prefect_flows.held_runs import mark_crashed
from adversity_flows.prefect_flows.lent_client import refuse_silent
from adversity_flows.prefect_flows.missed_runs import drop_missed, missed_since
from adversity_flows.prefect_flows.proxies import proxies_aside
from adversity_flows.prefect_flows.server import page_of, project_server
from adversity_flows.prefect_flows.serving_loop import ServingLoop
from adversity_flows.prefect_flows.settings import prefect_context
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from prefect.deployments.runner import RunnerDeployment

    from adversity.pipeline.read.spec import PipelineSpec, ScheduleSpec

__all__ = ["serve_schedule"]


def serve_schedule(
    root: Path,
    pipelines: Sequence[Path],
    *,
    announce: Callable[[str], None],
    at_once: int | None = None,
) -> None:
    """Run pipelines whenever their schedule says, until a signal ends it (Ctrl-C, SIGTERM).

    Every run is a scheduled look in a process of its own. While one works, a further run of
    the same pipeline is cancelled; those of other pipelines run beside it. Runs that were missed
    while nobody served are made up for by one, and those that a killed process left as running
    are marked Crashed, now and while it serves.

    Args:
        root: The project's folder.
        pipelines: Pipeline files, each with a `schedule:`.
        at_once: Runs at the same time; if None, one a processor core, and one in all where a
            pipeline computes on another device, whose memory they would share.
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
    with (
        project_server(root) as url,
        proxies_aside(url),
        prefect_context(url, log=log),
        serving(root),
    ):
        refuse_silent(url)
        before = _before(root, [(file, schedule) for file, _, schedule in plans])
        deployments = [
            _deployment(root, *plan, active=not before[plan[0]].paused) for plan in plans
        ]
        for file, _, schedule in plans:
            announce(f"{file}: {schedule.words}")
            for change in clock_changes(schedule.cron, schedule.timezone) if schedule.cron else ():
                announce(f"  ! {change}")
            for line in before[file].lines(file):
                announce(f"  {line}")
        announce(f"runs are listed at {without_secrets(page_of(url))}")
        missed = {file: one.missed for file, one in before.items()}
        limit = at_once or _side_by_side([spec for _, spec, _ in plans])
        asyncio.run(ServingLoop(root, deployments, missed, url, limit).serve())


def _side_by_side(specs: Sequence[PipelineSpec]) -> int:
    """Return how many runs work at the same time unless somebody says so."""
    if any(spec.run.device != "cpu" for spec in specs):
        return 1
    return max(1, min(len(specs), os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class _Before:
    """What the server knew of a pipeline before it is served: paused, and how many were missed."""

    paused: bool = False
    missed: int = 0

    def lines(self, file: str) -> Iterator[str]:
        """Yield what is said of it."""
        if self.paused:
            yield f"! paused; `adversity schedule resume {file}` lets it run"
        elif self.missed:
            times = "time was" if self.missed == 1 else "times were"
            yield f"! {self.missed} {times} missed; one run makes up for that, now"


def _before(root: Path, plans: Sequence[tuple[str, ScheduleSpec]]) -> dict[str, _Before]:
    """Clear what dead processes left, and return what is known of pipelines."""
    from prefect.client.orchestration import get_client

    found: dict[str, _Before] = {}
    with get_client(sync_client=True) as client:
        known = deployments_of(client, root)
        mark_crashed(root, client, deployments=[one.id for one in known.values()])
        for file, schedule in plans:
            one = known.get(file)
            paused = one is not None and not any(plan.active for plan in one.schedules)
            missed = 0
            if one is not None:
                missed = 0 if paused else missed_since(client, one.id, schedule)
                drop_missed(client, one.id, instead="the next run")
            found[file] = _Before(paused, missed)
    return found


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
    root: Path, file: str, spec: PipelineSpec, schedule: ScheduleSpec, *, active: bool
) -> RunnerDeployment:
    """Return what Prefect has to know of a pipeline to run it on its cron."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Schedule
    from prefect.types.entrypoint import EntrypointType

    from adversity_flows.prefect_flows.scheduled_run import scheduled_run

    return RunnerDeployment.from_flow(
        scheduled_run,
        name=spec.name,
        schedule=Schedule(**prefect_fields(schedule), active=active),
        paused=False,  # the last `serve` paused it when it ended
        parameters={"root": str(root), "pipeline": file},
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
