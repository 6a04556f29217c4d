"""Limits that hold: what takes longer or more than its step may is ended, and nothing else is."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from adversity_flows.runners.limited import Limit, LimitError, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow  # each process imports torch

GIBIBYTE = 1 << 30
WRITTEN = {"time": "2 s", "memory": "2GiB"}


@dataclass(frozen=True)
class Order:
    """Something that a worker does for a step."""

    step: str
    do: Callable[[Any], Any]
    argument: Any


def do(order: Order) -> Any:
    """Do what an order says."""
    return order.do(order.argument)


class Jobs(Watched):
    """Workers that do what orders say."""

    job = staticmethod(do)


@pytest.fixture
def jobs(request: pytest.FixtureRequest):
    """Return a worker; the limits are those of the step `bounded`."""
    with Jobs(1, {"bounded": request.param}) as runner:
        runner.ask(Order("free", abs, 1))  # the process is there
        yield runner


@pytest.mark.parametrize("jobs", [Limit(2.0, None, WRITTEN)], indirect=True)
def test_a_step_that_takes_too_long_is_ended(jobs: Jobs):
    """At once, not when the work ends; the place is another process's, and free steps go on."""
    before = jobs.ask(Order("bounded", _process, 0))
    started = time.monotonic()
    with pytest.raises(
        LimitError, match=r"run\.limits\.bounded\.time, 2 s; finished shards are kept"
    ):
        jobs.ask(Order("bounded", time.sleep, 600))
    assert time.monotonic() - started < 30
    assert not _alive(before)
    assert jobs.ask(Order("free", _process, 0)) != before
    # The time is that of all shards together, so the next one of the step is late as well.
    with pytest.raises(LimitError):
        jobs.ask(Order("bounded", time.sleep, 600))


@pytest.mark.parametrize("jobs", [Limit(None, 2 * GIBIBYTE, WRITTEN)], indirect=True)
def test_a_shard_that_takes_too_much_memory_is_ended(jobs: Jobs):
    """What it says is what the process had; below the limit nothing happens."""
    assert jobs.ask(Order("bounded", _fill, GIBIBYTE // 4)) == GIBIBYTE // 4
    assert jobs.ask(Order("free", _fill, 3 * GIBIBYTE)) == 3 * GIBIBYTE
    with pytest.raises(LimitError, match=r"took [2-3],\d{3} MiB of memory.*bounded\.memory, 2GiB"):
        jobs.ask(Order("bounded", _fill, 3 * GIBIBYTE))


def _process(_: int) -> int:
    return os.getpid()


def _fill(size: int) -> int:
    """Use so much memory for a second."""
    held = bytearray(size)
    held[:: 1 << 12] = b"1" * len(range(0, size, 1 << 12))  # every page is touched
    time.sleep(1)
    return len(held)


def _alive(process: int) -> bool:
    """Say whether a process goes on for longer than it takes to end one."""
    try:
        psutil.Process(process).wait(10)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        return True
    return False
