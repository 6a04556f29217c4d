"""Worker processes: one that dies costs its shard alone, and none outlives the run."""

from __future__ import annotations

import os
import time

import pytest

from adversity.errors import RunError
from adversity_flows.runners.processes import LIVES, Processes

pytestmark = pytest.mark.slow  # each process imports torch


class Jobs(Processes):
    """Workers that do something else than shards: `job(order)`."""

    job = staticmethod(abs)


def test_a_shard_that_kills_every_worker_ends_the_run():
    """A worker that ends itself is replaced, and after so many deaths the message says what helps."""
    with Jobs(1) as runner:
        runner.job = os._exit
        with pytest.raises(RunError, match=rf"{LIVES} worker processes died.*run.shard_size"):
            runner.ask(9)
        runner.job = abs
        assert runner.ask(-7) == 7  # the place is not lost


def test_no_worker_is_left_when_the_runner_is_closed():
    """An idle worker ends by itself, soon."""
    with Jobs(1) as runner:
        runner.job = os.getpgid
        runner.ask(0)
        (process,) = runner._pools[0]._processes.values()
    for _ in range(100):
        if not process.is_alive():
            break
        time.sleep(0.1)
    assert not process.is_alive()
