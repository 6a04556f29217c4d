"""Worker processes on this machine: each has its own Python, so that none waits for another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from queue import LifoQueue
from typing import TYPE_CHECKING

from adversity.engine.public.shard_worker import compute
from adversity.errors import RunError
from adversity.registry.ending import ENDING_SIGNALS
from adversity_flows.runners.orders import OrderRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.engine.public.shard_order import ShardAnswer, ShardOrder

__all__ = ["LIVES", "Processes"]

LIVES = 3
"""So many workers may die of one shard; then it is the shard's fault, and the run ends."""


class Processes(OrderRunner):
    """So many processes, each started when it is first needed; one that dies is replaced.

    Each is a pool of one: when it dies, it is known which shard it had, and no other is lost.
    """

    job: Callable[[ShardOrder], ShardAnswer] = staticmethod(compute)

    def __init__(self, workers: int, *, device: str = "cpu") -> None:
        """Start nothing.

        Args:
            workers: Processes at most.
            device: Where networks run. Of `cuda` without a number each process gets one card.
        """
        super().__init__()
        self._device = device
        self._idle: LifoQueue[tuple[int, ProcessPoolExecutor | None]] = LifoQueue()
        for number in reversed(range(workers)):
            self._idle.put((number, None))
        self._pools: dict[int, ProcessPoolExecutor] = {}

    def ask(self, order: ShardOrder, *, at: str | None = None) -> ShardAnswer:
        """Let the next idle process compute it, and another one if that dies."""
        for _ in range(LIVES):
            number, pool = self._idle.get()
            try:
                if pool is None:
                    pool = self._pools[number] = _pool(self._card(number))
                return self.answer(pool, order)
            except BaseException as error:
                if pool is not None:
                    self._pools.pop(number).shutdown(wait=False, cancel_futures=True)
                    pool = None
                if not isinstance(error, BrokenProcessPool):
                    raise
            finally:
                self._idle.put((number, pool))
        raise RunError(
            f"{LIVES} worker processes died one after the other in this shard; the system ends a "
            "process for want of memory (a smaller run.shard_size or run.workers helps), or a "
            "library crashed (run.runner: threads shows where)"
        )

    def answer(self, pool: ProcessPoolExecutor, order: ShardOrder) -> ShardAnswer:
        """Wait for what a process makes of an order."""
        return pool.submit(self.job, order).result()

    def close(self) -> None:
        """End the processes; an idle one ends at once."""
        super().close()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _card(self, number: int) -> int | None:
        """Return the graphics card of a process, where there are several to choose from."""
        if self._device != "cuda" or os.environ.get("CUDA_VISIBLE_DEVICES"):
            return None
        import torch

        return number % max(1, torch.cuda.device_count())


def _pool(card: int | None) -> ProcessPoolExecutor:
    # Spawned, not forked: the threads of torch and the locks they hold do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(card,))


def _begin(card: int | None) -> None:
    """Begin as a worker: the run hears signals for all, and nobody outlives it."""
    if card is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(card)
    for number in ENDING_SIGNALS:
        if number != signal.SIGTERM:  # a terminal sends the others to everybody
            signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
