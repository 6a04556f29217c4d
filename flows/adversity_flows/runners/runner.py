"""What every runner does, and the one that a run had before there were others: threads.

A runner computes one shard at a call and is called from as many threads as it has places. So the
direct loop and the flow of Prefect stay what they are, whoever computes, and Prefect shows each
shard as a task of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import Shard, StageRun

__all__ = ["Runner", "Threads"]


class Runner(ABC):
    """Computes shards; a context manager that lets go of its workers."""

    def places(self, workers: int) -> int:
        """Return how many shards are handed over at the same time.

        Args:
            workers: Of the pipeline file, or the command line.
        """
        return workers

    def workspace(self, given: Workspace) -> Workspace:
        """Return where steps are opened: the workspace of the run, or one that tells who computes.

        Raises:
            InputError: If there is nobody to compute.
        """
        return given

    def meet(self) -> None:  # noqa: B027  (those of this process need no introduction)
        """Meet the workers, if they are there before the run is.

        Raises:
            InputError: If a library is not installed, nobody answers, or one has other code.
        """

    @abstractmethod
    def run_shard(self, stage_run: StageRun, shard: Shard) -> str:
        """Compute a shard into the run's store; thread-safe.

        Returns:
            Who did it, for people; nothing where that goes without saying.

        Raises:
            BaseException: What the shard failed with, wherever that was.
        """

    def close(self) -> None:  # noqa: B027  (threads have nothing to let go of)
        """Let go of the workers; a shard at work is lost."""

    def __enter__(self) -> Self:
        """Return itself; workers start when the first shard comes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the workers."""
        self.close()


class Threads(Runner):
    """The threads that call, in this process."""

    def run_shard(self, stage_run: StageRun, shard: Shard) -> str:
        """Compute it here."""
        stage_run.run_shard(shard)
        return ""
