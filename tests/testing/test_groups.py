"""How tests are dealt out to processes: what stays together, and in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import groups
from adversity.testing.kit.lock import Passed, write_lock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/cli/test_run.py::test_a[x]", "tests/cli/test_run.py"),
        ("tests/flows/prefect/test_server.py::test_a", "tests/flows/prefect/"),
        (
            "tests/testing/test_builtins.py::test_conformance[pgd-norm=l2-alone]",
            "tests/testing/test_builtins.py pgd",
        ),
        ("tests/e2e/test_new_plugin.py::test_a[x]", "tests/e2e/test_new_plugin.py::test_a[x]"),
    ],
)
def test_what_shares_something_stays_together(nodeid: str, group: str) -> None:
    """A file, Prefect's one server, a plugin of the kit; long tests that share nothing alone."""
    assert groups.shares_with(nodeid) == group


def test_slow_groups_come_first_and_the_kit_last(tmp_path: Path) -> None:
    """What took long comes before what did not, and a slow group without a line before all.

    Small groups fill the end; one slow test moves its group; else the order stays.
    """
    slow = [f"tests/traps/test_{name}.py::test_slow" for name in "bcd"]
    kit = groups.KIT
    names = (kit, "tests/cli/test_a.py", f"{slow[0][:-9]}test_x", *slow, f"{kit}::x")
    (tmp_path / "tests").mkdir()
    lines = {slow[0].partition("::")[0]: 1.0, slow[1].partition("::")[0]: 2.0}
    passed = {name: Passed("0", 1, 0, 0, seconds) for name, seconds in lines.items()}
    write_lock(tmp_path / groups.SUITE_LOCK, passed)
    items: list[Any] = [
        SimpleNamespace(nodeid=name, get_closest_marker=lambda _, name=name: name in slow)
        for name in names
    ]
    groups.pytest_collection_modifyitems(SimpleNamespace(rootpath=tmp_path), items)
    assert [item.nodeid for item in items] == [names[n] for n in (5, 4, 2, 3, 1, 0, 6)]


def test_the_longest_groups_are_named() -> None:
    """Tests and their fixtures are summed over a group; ten are shown, the longest first."""
    durations = groups.Durations()
    for number in range(12):
        for _ in range(2):  # a fixture and a call
            report = SimpleNamespace(nodeid=f"tests/a/test_{number}.py::t", duration=number)
            durations.pytest_runtest_logreport(report)
    lines: list[str] = []
    shown = SimpleNamespace(section=lines.append, write_line=lines.append)
    durations.pytest_terminal_summary(shown)
    assert lines[:2] == ["ten longest groups", "   22.0 s  tests/a/test_11.py"]
    assert lines[-1] == "    4.0 s  tests/a/test_2.py"
