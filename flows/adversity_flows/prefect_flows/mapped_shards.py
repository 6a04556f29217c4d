"""The shards of one step as runs of one task of Prefect."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from adversity_flows.steps.shards import in_step, transient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect import Task
    from prefect.client.schemas.objects import State

    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Stage
    from adversity_flows.runners.runner import Runner

__all__ = ["MappedShards"]

FIRST_PAUSE = 0.25  # seconds before the first retry of a shard; doubled for each further one


class MappedShards:
    """Shards of one step as runs of one task, which gets only an index and a name.

    The work stays in this closure: Prefect would walk through every argument of a task.

    Attributes:
        finished: Indices of the shards that are done.
        parts: How much of others is, by index, where they say so.
        by: Who computed those that are done.
    """

    def __init__(
        self, stage: Stage, stage_run: StageRun, shards: Mapping[int, Shard], runner: Runner
    ) -> None:
        """Take the shards of a step by index; nothing runs yet."""
        self.finished: set[int] = set()
        self.by: dict[int, str] = {}
        self._runner = runner
        self.parts: dict[int, float] = {}
        self._stage = stage
        self._stage_run = stage_run
        self._shards = shards
        self._errors: dict[int, BaseException] = {}
        self._stopped = threading.Event()

    def task(self, retries: int) -> Task[[int, str], Any]:
        """Return the task; only passing errors of the system are tried again."""
        from prefect import Task
        from prefect.cache_policies import NO_CACHE
        from prefect.states import Cancelled, Completed
        from prefect.tasks import exponential_backoff

        def run_shard(index: int, label: str) -> State[None] | None:
            if self._stopped.is_set():
                return Cancelled(message="another shard of the step failed")
            self._run(index)
            return Completed(message=f"by {self.by[index]}") if self.by[index] else None

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

    @property
    def share(self) -> float:
        """How many shards are done, with the parts of those at work."""
        parts = [part for index, part in [*self.parts.items()] if index not in self.finished]
        return len(self.finished) + sum(parts)

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
                self.by[index] = self._runner.run_shard(self._stage_run, shard)
        except BaseException as error:
            self._errors[index] = error
            raise
        self._errors.pop(index, None)
        self.finished.add(index)


def _transient(error: object) -> bool:
    """Tell whether a shard that failed so is tried again."""
    return isinstance(error, BaseException) and transient(error)
