"""The runner that a pipeline file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_flows.runners.runner import Threads

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runners.runner import Runner

__all__ = ["open_runner"]


def open_runner(plan: Plan, workers: int) -> Runner:
    """Return the runner of a plan; nothing starts before there is something to compute.

    Args:
        plan: The pipeline, resolved.
        workers: Shards at the same time.
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
    return Threads()
