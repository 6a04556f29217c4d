"""Limits of a step that hold: its shards are computed by processes that are ended beyond them."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.errors import RunError
from adversity.pipeline.read.interval import interval_of
from adversity_flows.runners.processes import Processes
from adversity_flows.runners.runner import Runner, Threads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import ProcessPoolExecutor

    from adversity.engine.public.shard_order import ShardAnswer, ShardOrder
    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.read.spec import LimitSpec

__all__ = ["Limit", "LimitError", "Limited", "Watched"]

_LOOK_SECONDS = 0.1
"""How often a worker's memory is looked at: what it takes in between goes unseen."""
_MEBIBYTE = 1 << 20


class LimitError(RunError):
    """A step took more than its limit; the same again would take as much."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What the shards of a step may take.

    Attributes:
        seconds: Wall time from the start of the first one; None for any.
        memory: Bytes of memory of the process that computes one; None for any.
        written: How the pipeline file says it: `time` and `memory`.
    """

    seconds: float | None
    memory: int | None
    written: Mapping[str, str]

    @classmethod
    def of(cls, spec: LimitSpec) -> Limit:
        """Read what the pipeline file says."""
        from pydantic import ByteSize, TypeAdapter

        seconds = None if spec.time is None else interval_of(spec.time).total_seconds()
        memory = None if spec.memory is None else TypeAdapter(ByteSize).validate_python(spec.memory)
        return cls(seconds, memory, spec.model_dump(exclude_none=True))


class Watched(Processes):
    """Worker processes that are looked at while they compute, and ended beyond a step's limits."""

    def __init__(self, workers: int, limits: Mapping[str, Limit], *, device: str = "cpu") -> None:
        """Start nothing.

        Args:
            workers: Processes at most.
            limits: By step.
            device: As `Processes` takes it.
        """
        super().__init__(workers, device=device)
        self._limits = limits
        self._begun: dict[str, float] = {}
        self._lock_of_begun = threading.Lock()

    def answer(self, pool: ProcessPoolExecutor, order: ShardOrder) -> ShardAnswer:
        """Wait for what a process makes of an order, and end it beyond the limits of its step.

        Raises:
            LimitError: If it was ended.
        """
        limit = self._limits.get(order.step)
        if limit is None:
            return super().answer(pool, order)
        with self._lock_of_begun:
            begun = self._begun.setdefault(order.step, time.monotonic())
        process = pool.submit(os.getpid).result()
        future = pool.submit(self.job, order)
        while True:
            with suppress(TimeoutError):
                return future.result(_LOOK_SECONDS)
            excess = _excess(limit, order.step, time.monotonic() - begun, process)
            if excess:
                os.kill(process, signal.SIGKILL)
                raise LimitError(
                    f"{excess}; finished shards are kept: raise the limit, or ask for less, and run "
                    "again"
                )


class Limited(Runner):
    """Threads for all steps but those that have limits."""

    def __init__(self, watched: Watched, limits: Mapping[str, Limit]) -> None:
        """Start nothing.

        Args:
            watched: Computes the shards of steps with limits.
            limits: By step.
        """
        self._threads, self._watched, self._limits = Threads(), watched, limits

    def run_shard(self, stage_run: StageRun, shard: Shard) -> str:
        """Compute it here, or let a process that can be ended do it."""
        limited = stage_run.stage.step in self._limits
        return (self._watched if limited else self._threads).run_shard(stage_run, shard)

    def close(self) -> None:
        """End the processes."""
        self._watched.close()


def _excess(limit: Limit, step: str, seconds: float, process: int) -> str:
    """Say which limit is exceeded; nothing where none is."""
    if limit.seconds is not None and seconds > limit.seconds:
        return f"its shards took longer than run.limits.{step}.time, {limit.written['time']}"
    taken = 0 if limit.memory is None else _resident(process)
    if limit.memory is not None and taken > limit.memory:
        return (
            f"a shard took {taken // _MEBIBYTE:,} MiB of memory, more than "
            f"run.limits.{step}.memory, {limit.written['memory']}"
        )
    return ""


def _resident(process: int) -> int:
    """Return how many bytes of memory a process has; 0 if it is gone."""
    import psutil

    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.Error:
        return 0
