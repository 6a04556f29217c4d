"""The shards of one stage with retries, and errors that say where they happened."""

from __future__ import annotations

import errno
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.engine.calls.ready import BREAKS
from adversity.engine.stages import shard_pool
from adversity.errors import AdversityError, PipelineError, RunError, StorageError
from adversity_flows.runners.runner import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Stage
    from adversity_flows.runners.runner import Runner

__all__ = ["in_step", "run_shards", "run_waves", "transient"]

THREADS = Threads()


def run_shards(
    stage_run: StageRun,
    pending: tuple[Shard, ...],
    *,
    workers: int,
    retries: int = 0,
    runner: Runner = THREADS,
) -> Iterator[Shard]:
    """Run shards as the engine does, yielding each as it is done, with retries.

    Raises:
        AdversityError: A shard failed; the message names step and shard.
    """
    by: dict[int, str] = {}

    def compute(shard: Shard) -> None:
        with in_step(stage_run.stage, shard):
            by[shard.index] = _with_retries(stage_run, shard, retries, runner)

    for shard in shard_pool.run_shards(pending, compute, workers=runner.places(workers)):
        yield replace(shard, by=who) if (who := by[shard.index]) else shard


def run_waves(
    stage_run: StageRun,
    *,
    force: bool = False,
    workers: int,
    retries: int = 0,
    runner: Runner = THREADS,
) -> Iterator[Shard]:
    """Run every shard that is to be run, wave by wave, yielding each as it is done.

    Args:
        stage_run: The stage, opened.
        force: Run those that are finished as well.
        workers: Shards at a time.
        retries: How often a shard is tried again after a passing error of the system.
        runner: Who computes them.

    Raises:
        AdversityError: As `run_shards`.
    """
    waves = stage_run.waves(force=force)
    while True:
        with in_step(stage_run.stage):
            wave = next(waves, None)
        if wave is None:
            return
        yield from run_shards(stage_run, wave, workers=workers, retries=retries, runner=runner)


def _with_retries(stage_run: StageRun, shard: Shard, retries: int, runner: Runner) -> str:
    """Let the runner compute a shard; return who did it."""
    for attempt in range(retries):
        try:
            return runner.run_shard(stage_run, shard)
        except Exception as error:
            if not transient(error):
                raise
            time.sleep(_FIRST_PAUSE * 2**attempt)
    return runner.run_shard(stage_run, shard)


_FIRST_PAUSE = 0.25
"""Seconds before the first retry; doubled for each further one."""

_PASSING = {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT}
_FULL = {errno.ENOSPC, errno.EDQUOT}


def transient(error: BaseException | None) -> bool:
    """Say whether the system, not the work, failed, and a retry may help."""
    while error is not None:
        if isinstance(error, OSError):
            passing = isinstance(error, ConnectionError | TimeoutError)
            return passing or error.errno in _PASSING
        error = error.__cause__
    return False


@contextmanager
def in_step(stage: Stage, shard: Shard | None = None) -> Iterator[None]:
    """Say in an error's message where it happened, and make it one of ours.

    Raises:
        AdversityError: The same class, if it was one; StorageError for the disk, RunError
            for anything else.
    """
    label = f", {shard.label}" if shard is not None and shard.label else ""
    where = f"step {stage.step}{label}"
    try:
        yield
    except AdversityError as error:
        raise _located(error, where, stage) from error
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(
                f"{where}: the disk is full ({error}); make room and run again (finished shards "
                "are kept)"
            ) from error
        raise StorageError(f"{where}: a file could not be written or read: {error}") from error
    except BREAKS as error:
        raise RunError(f"{where}: {type(error).__name__}: {error}") from error


def _located(error: AdversityError, where: str, stage: Stage) -> AdversityError:
    message = str(error)
    if message.startswith(f"step {stage.step}") or isinstance(error, PipelineError):
        return error
    return type(error)(f"{where}: {message}")
