"""The suite's lock: which groups of tests passed as a whole, and with what.

Its lines are of the groups that `shares_with` names, without the kit's, which has a lock of its
own, and without comparisons with peers. What the outcome of a group depends on is found by
`what_counts`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from adversity.testing.kit.pytest_lock import Locked, take_up
from groups import KIT, SUITE_LOCK, shares_with
from what_counts import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Read the suite's lock, where an option of the kit's needs it."""
    take_up(SuiteLock, config)


class SuiteLock(Locked):
    """Which groups of tests passed as a whole."""

    lock = SUITE_LOCK
    what = "groups of tests"
    covered_in = "tests/what_counts.py"

    def name_of(self, item: pytest.Item) -> str:
        """Return the group whose line tells of a test."""
        if item.nodeid.startswith(KIT) or item.get_closest_marker("peers"):
            return ""
        return shares_with(item.nodeid)

    def read_digests(self, items: list[pytest.Item]) -> None:
        """Digest the groups; of one that was collected in part no number of trials is the whole.

        Where there is no git, of none: their digests are of nothing.
        """
        counts = Counter(map(self.name_of, items))
        del counts[""]
        if not counts:
            return
        repository = Repository(self.config.rootpath)
        part = any("::" in arg for arg in self.config.args) or self.config.getoption("lf", False)
        collected = {item.path for item in items}
        for group, count in counts.items():
            self.own[group] = repository.own_digest(group)
            tests = {self.config.rootpath / test for test in repository.tests_of(group)}
            whole = not part and tests != set() and collected.issuperset(tests)
            self.trials[group] = count if whole else 0
            self.digests[group] = repository.digest(group)

    def may_be_of(self, name: str, nodeid: str) -> bool:
        """Say whether a test is of a group."""
        return shares_with(nodeid) == name

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return the groups whose file or folder is there, and the test that is one by itself."""
        return {name for name in names if self._is_there(*name.partition("::")[::2])}

    def _is_there(self, file: str, case: str) -> bool:
        path = self.config.rootpath / file
        test = f"def {case.partition('[')[0]}("
        return path.exists() and (not case or test in path.read_text(encoding="utf-8"))
