"""What holds for every test: one thread, no colour, no network of ours, a clear first error."""

from __future__ import annotations

import os
import signal
from typing import Any

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal tests out to the processes of `-n`; without it nobody asks."""
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shares_with(nodeid)

    # As they were collected: whole runs come early, the kit's many small groups even out the end.
    config.option.loadscopereorder = False
    return ByWhatIsShared(config, log)


ONE_SERVER = "tests/flows/prefect/"
KIT = "tests/testing/test_builtins.py"
NOTHING_SHARED = ("tests/docs/test_doc_pages.py", "tests/e2e/test_new_plugin.py")


def shares_with(nodeid: str) -> str:
    """Name the group of a test; one process runs all of a group.

    The tests of a file share fixtures, those of Prefect a server, the kit's checks of one plugin
    what it answered. Where tests are long and share nothing, each is a group.
    """
    file, _, case = nodeid.partition("::")
    if file == KIT:
        return f"{KIT} {case.partition('[')[2].partition('-')[0]}"
    if file in NOTHING_SHARED:
        return nodeid
    return ONE_SERVER if file.startswith(ONE_SERVER) else file
