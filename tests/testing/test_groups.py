"""How tests are dealt out to processes: what stays together, and in which order."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture
def rules(pytestconfig: pytest.Config) -> Any:
    """Return the conftest of all tests."""
    return pytestconfig.pluginmanager.getplugin(str(TESTS / "conftest.py"))


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
def test_what_shares_something_stays_together(rules: Any, nodeid: str, group: str) -> None:
    """A file, Prefect's one server, a plugin of the kit; long tests that share nothing alone."""
    assert rules.shares_with(nodeid) == group


def test_slow_groups_come_first_and_the_kit_last(rules: Any, pytestconfig: pytest.Config) -> None:
    """Small groups fill the end; one slow test moves its group; else the order stays."""
    marked = "tests/traps/test_b.py::slow"
    names = (rules.KIT, "tests/cli/test_a.py", "tests/traps/test_b.py", f"{rules.KIT}::x", marked)
    items: list[Any] = [
        SimpleNamespace(nodeid=name, get_closest_marker=lambda _, name=name: name == marked)
        for name in names
    ]
    rules.pytest_collection_modifyitems(pytestconfig, items)
    assert [item.nodeid for item in items] == [names[n] for n in (2, 4, 1, 0, 3)]


def test_the_longest_groups_are_named(rules: Any) -> None:
    """Tests and their fixtures are summed over a group; ten are shown, the longest first."""
    groups = rules.Groups()
    for number in range(12):
        for _ in range(2):  # a fixture and a call
            report = SimpleNamespace(nodeid=f"tests/a/test_{number}.py::t", duration=number)
            groups.pytest_runtest_logreport(report)
    lines: list[str] = []
    shown = SimpleNamespace(section=lines.append, write_line=lines.append)
    groups.pytest_terminal_summary(shown)
    assert lines[:2] == ["ten longest groups", "   22.0 s  tests/a/test_11.py"]
    assert lines[-1] == "    4.0 s  tests/a/test_2.py"
