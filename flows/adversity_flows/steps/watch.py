"""Who looks on while a run goes: the terminal, Prefect's artifacts, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from adversity.engine.stages.stage import Progress, Shard, StageResult
    from adversity.pipeline.plan.model import Stage
    from adversity.report.values.model import Outcome

__all__ = ["Silent", "Watcher"]


class Watcher(Protocol):
    """What a run reports, from the thread that conducts it but for `shard_went_on`."""

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        """Say that a stale stage starts: `pending` of its `total` shards are to be computed."""
        ...

    def shard_went_on(self, stage: Stage, shard: Shard, progress: Progress) -> None:
        """Say how far a shard is that takes long; from the thread that computes it."""
        ...

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Say that one shard is in the store."""
        ...

    def stage_finished(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        """Say that a stage ran and was recorded, or was found unchanged."""
        ...


class Silent:
    """A watcher that ignores everything."""

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        """Ignore it."""

    def shard_went_on(self, stage: Stage, shard: Shard, progress: Progress) -> None:
        """Ignore it."""

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Ignore it."""

    def stage_finished(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        """Ignore it."""
