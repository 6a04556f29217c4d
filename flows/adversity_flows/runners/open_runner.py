"""The runner that a pipeline file names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from adversity_flows.runners.runner import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runners.runner import Runner

__all__ = ["open_runner"]


def open_runner(plan: Plan, workers: int, warn: Callable[[str], None] | None = None) -> Runner:
    """Return the runner of a plan; nothing starts before there is something to compute.

    Args:
        plan: The pipeline, resolved.
        workers: Shards at the same time.
        warn: Told what is odd about workers; standard error is, if not given.
    """
    settings = plan.spec.run
    if settings.limits:
        from adversity_flows.runners.limited import Limit, Limited, Watched

        limits = {step: Limit.of(spec) for step, spec in settings.limits.items()}
        watched = Watched(workers, limits, device=settings.device)
        return watched if settings.runner == "processes" else Limited(watched, limits)
    if settings.runner == "processes":
        from adversity_flows.runners.processes import Processes

        return Processes(workers, device=settings.device)
    if settings.address is None:
        return Threads()
    how: Any = {"device": settings.device, "warn": warn or _to_stderr}
    if settings.runner == "dask":
        from adversity_flows.runners.dask_cluster import DaskCluster

        return DaskCluster(settings.address, **how)
    from adversity_flows.runners.ray_cluster import RayCluster

    return RayCluster(settings.address, **how)


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
