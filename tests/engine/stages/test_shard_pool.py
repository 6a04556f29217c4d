"""Shards in threads: together, none after an error, none after the loop was left."""

from __future__ import annotations

import threading
import time

import pytest

from adversity.engine.stages.shard_pool import run_shards
from adversity.engine.stages.stage import Shard
from adversity.pipeline.plan.model import Cell

SHARDS = tuple(Shard(index, Cell(), 1, str(index)) for index in range(6))


def test_as_many_shards_as_workers_are_at_work_together():
    """Three shards meet at a barrier, which two workers could never pass."""
    together = threading.Barrier(3, timeout=10)
    done = list(run_shards(SHARDS, lambda shard: together.wait() and None, workers=3))
    assert sorted(shard.index for shard in done) == list(range(6))


def test_shards_are_yielded_as_they_are_done():
    """A slow first shard holds back neither the work of the others nor their being told."""
    second_shard_done = threading.Event()

    def compute(shard):
        if shard.index == 0:
            assert second_shard_done.wait(10)

    done = []
    for shard in run_shards(SHARDS[:2], compute, workers=2):
        done.append(shard.index)
        second_shard_done.set()
    assert done == [1, 0]


def test_no_shard_starts_after_an_error():
    """The error comes out as it is, and most of the shards that waited never begin."""
    begun = []

    def compute(shard):
        begun.append(shard.index)
        if shard.index == 1:
            raise ValueError("broken")
        time.sleep(0.01)  # or all 300 would be done before the error is heard of

    with pytest.raises(ValueError, match="broken"):
        list(run_shards(SHARDS * 50, compute, workers=1))
    assert begun[:2] == [0, 1]
    assert len(begun) < 100


def test_leaving_the_loop_waits_for_the_shard_at_work_and_starts_no_other():
    """Whoever stops listening finds the shard at work ended, and the waiting ones not begun."""
    begun, ended = [], []
    at_work, left = threading.Event(), threading.Event()

    def compute(shard):
        begun.append(shard.index)
        if shard.index == 1:
            at_work.set()
            assert left.wait(10)
        ended.append(shard.index)

    loop = run_shards(SHARDS, compute, workers=1)
    next(loop)
    assert at_work.wait(10)
    threading.Timer(0.05, left.set).start()
    loop.close()
    assert begun == ended == [0, 1]
