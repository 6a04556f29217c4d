"""Groups of tests: what one process runs together, in which order, and how long each took."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import InputError
from adversity.testing.kit.lock import read_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KIT_LOCK, SUITE_LOCK = "tests/kit.lock", "tests/suite.lock"
KIT = "tests/testing/test_builtins.py"
ONE_SERVER = "tests/flows/prefect/"
EACH_BY_ITSELF = ("tests/docs/test_doc_pages.py", "tests/e2e/test_new_plugin.py")


def shares_with(nodeid: str) -> str:
    """Name the group of a test; one process runs all of a group.

    The tests of a file share fixtures, those of Prefect a server, the kit's checks of one plugin
    what it answered. Where tests are long, and what they share takes little to make again in each
    process, as an environment of links, each is a group.
    """
    file, _, case = nodeid.partition("::")
    if file == KIT:
        return f"{KIT} {case.partition('[')[2].partition('-')[0]}"
    if file in EACH_BY_ITSELF:
        return nodeid
    return ONE_SERVER if file.startswith(ONE_SERVER) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal tests out to the processes of `-n`; without it nobody asks."""
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shares_with(nodeid)

    # As they were collected and sorted.
    config.option.loadscopereorder = False
    return ByWhatIsShared(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put groups with slow tests first and the kit last, what took long before what did not.

    Many small groups even out the end. A slow group that no lock knows yet may be the longest.
    """
    from adversity.testing.kit.pytest_lock import name_of, plugin_of

    plugins = _seconds(config.rootpath / KIT_LOCK)
    groups = _seconds(config.rootpath / SUITE_LOCK)
    slow = {shares_with(item.nodeid) for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[int, float]:
        if item.nodeid.startswith(KIT):
            return 2, -plugins.get(name_of(plugin_of(item)), 0.0)
        group = shares_with(item.nodeid)
        if group in slow:
            return 0, -groups.get(group, math.inf)
        return 1, 0.0

    items.sort(key=place)


def _seconds(lock: Path) -> Mapping[str, float]:
    with suppress(InputError):  # whoever asks for the lock is told what is wrong with it
        return {name: line.seconds for name, line in read_lock(lock).items()}
    return {}


class Durations:
    """How long each group of tests took, all its tests together."""

    def __init__(self) -> None:
        """Nothing was run yet."""
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a test, or its fixtures, took."""
        self.seconds[shares_with(report.nodeid)] += report.duration

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name the ten longest."""
        terminalreporter.section("ten longest groups")
        for group, seconds in self.seconds.most_common(10):
            terminalreporter.write_line(f"{seconds:7.1f} s  {group}")


def pytest_configure(config: pytest.Config) -> None:
    """With `--durations` say it of groups, too, which are what one process runs by itself."""
    if config.option.durations is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())
