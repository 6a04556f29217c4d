"""What holds for every test: one thread, no colour, no network of ours, a clear first error."""

from __future__ import annotations

import os
import signal

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

try:
    import adversity  # noqa: F401
except ModuleNotFoundError:
    pytest.exit("adversity is not installed here: run `make test`, or `pip install -e .[demo,dev]`")


# A shell that starts the tests in the background has Ctrl-C ignored, in their children too;
# the tests of interrupts need it as a terminal gives it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Results are the same bytes only with one thread, and two busy cores are faster so."""
    import torch

    torch.set_num_threads(1)
