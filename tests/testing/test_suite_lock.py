"""The suite's lock: who is left out, and who may write."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import committed
from adversity.registry import discover
from adversity.testing.kit import lock
from adversity.testing.kit.lock import read_lock
from suite_lock import SUITE_LOCK, SuiteLock

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
SERVER = "tests/flows/prefect/"


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Import plugins and torch: what is imported beside a `pytester` is forgotten with it."""
    discover().entries()
    lock.machine()


def test_the_lock_knows_the_groups(pytestconfig: pytest.Config) -> None:
    """Each line is of tests that exist: what was renamed loses its line when one is written."""
    lines = read_lock(ROOT / SUITE_LOCK)
    assert SuiteLock(pytestconfig).existing(lines) == set(lines)


CRASH = """
import pytest

def pytest_collection_finish(session):
    said = ("tests/cli/test_b.py::test_slow[0]", ("tests/cli/test_b.py", None, ""), {})
    report = pytest.TestReport(*said, "failed", "worker 'gw0' crashed", "???")
    session.config.hook.pytest_runtest_logreport(report=report)
"""
CONFTEST = """
import sys

pytest_plugins = ["adversity.testing.kit.pytest_lock"]

def pytest_configure(config):
    config.addinivalue_line("markers", "slow: of seconds")
    config.addinivalue_line("markers", "peers: of others")
    config.pluginmanager.register(sys.modules["suite_lock"], "suite_lock")
"""
TESTS = """
import pytest

def test_fast(): pass

@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_slow(number): pass

@pytest.mark.peers
def test_peer(): assert False
"""
PLUGIN, OTHER = "tests/plugins/test_a.py", "tests/cli/test_b.py"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Any:
    """Return a function that runs two groups of tests with some options, in a folder apart."""
    pytester.makeconftest(CONFTEST)
    for name in (PLUGIN, OTHER):
        (pytester.path / name).parent.mkdir(parents=True)
        (pytester.path / name).write_text(TESTS)
    subprocess.run(["git", "init", "-q"], cwd=pytester.path, check=True)
    options = ("-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib")

    def run(*more: str) -> pytest.RunResult:
        committed.forget()
        return pytester.runpytest_inprocess(*options, *more)

    return run


def test_a_whole_group_is_written_and_left_out(suite: Any, pytester: pytest.Pytester) -> None:
    """With its fast tests and its slow ones; of two fresh groups one is drawn."""
    assert suite("-m", "not peers", "--write-lock").parseoutcomes()["passed"] == 8
    lines = read_lock(pytester.path / SUITE_LOCK)
    assert {group: line.passed for group, line in lines.items()} == {PLUGIN: 4, OTHER: 4}
    (left_out,) = lines.keys() - lock.drawn(lines, "")
    result = suite("-m", "not peers", "--changed")
    assert result.parseoutcomes()["passed"] == 8 - lines[left_out].passed
    result.stdout.fnmatch_lines(
        [f"1 groups of tests left out*{SUITE_LOCK}*{left_out}; 0*; {lines[left_out].passed} tests*"]
    )
    fast = suite("-m", "not peers and not slow", "--changed")
    assert fast.parseoutcomes()["passed"] == 1
    assert suite("-m", "not peers").parseoutcomes()["passed"] == 8
    Path(pytester.path, left_out).write_text(TESTS + "more = 1\n")
    assert suite("-m", "not peers", "--changed").parseoutcomes()["passed"] == 8


def test_a_change_of_what_counts_for_all_puts_off_plugins_alone(
    suite: Any, pytester: pytest.Pytester
) -> None:
    """Tests of a plugin may wait for another commit; those of the core itself never do."""
    (pytester.path / "tests/plugins/test_c.py").write_text(TESTS)
    suite("-m", "not peers", "--write-lock")
    lines = read_lock(pytester.path / SUITE_LOCK)
    assert (lines[PLUGIN].own == "", lines[OTHER].own == "") == (False, True)
    dear = {group: replace(line, seconds=9.0) for group, line in lines.items()}
    lock.write_lock(pytester.path / SUITE_LOCK, dear)
    (pytester.path / "core").mkdir()
    (pytester.path / "core/engine.py").write_text("depth = 2\n")
    result = suite("-m", "not peers", "--changed", "--core-share", "2")
    result.stdout.fnmatch_lines(
        ["0 groups of tests left out*1 put off*: tests/plugins/test_*; 4 *"]
    )
    assert result.parseoutcomes()["passed"] == 8


@pytest.mark.parametrize(
    ("seconds", "options", "tried"),
    [
        (9.0, ("--core-share", "2"), 1),
        (9.0, (), 2),
        (0.1, ("--core-share", "2"), 2),
    ],
)
def test_a_new_plugin_puts_off_who_looks_through_all(
    seconds: float, options: tuple[str, ...], tried: int, suite: Any, pytester: pytest.Pytester
) -> None:
    """Of the dear ones that do not name it a share is tried; who names it never waits."""
    looking = [f"tests/cli/test_looks_{place}.py" for place in "cd"]
    for name in looking:
        (pytester.path / name).write_text(f"{TESTS}\nlook = 'adversity doctor'\n")
    (pytester.path / OTHER).write_text(f"{TESTS}\nlook = 'adversity doctor', 'haze'\n")
    suite("-m", "not peers", "--write-lock")
    lines = read_lock(pytester.path / SUITE_LOCK)
    dear = {group: replace(line, seconds=seconds) for group, line in lines.items()}
    lock.write_lock(pytester.path / SUITE_LOCK, dear)
    plugin = pytester.path / "plugins/adversity_plugins/haze.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("class Haze: ...\n")
    suite("-m", "not peers", "--changed", "--write-lock", *options)
    after = read_lock(pytester.path / SUITE_LOCK)
    fresh = [name for name in looking if after[name].digest != lines[name].digest]
    assert len(fresh) == tried
    assert after[OTHER].digest != lines[OTHER].digest
    assert after[PLUGIN] == dear[PLUGIN]


def test_where_there_is_no_git_nobody_is_left_out(suite: Any, pytester: pytest.Pytester) -> None:
    """What a commit would hold is not known there: nothing is written either."""
    shutil.rmtree(pytester.path / ".git")
    assert suite("-m", "not peers", "--write-lock", "--changed").parseoutcomes()["passed"] == 8
    assert not (pytester.path / SUITE_LOCK).exists()


def test_a_line_of_what_is_gone_goes(suite: Any, pytester: pytest.Pytester) -> None:
    """A file that is no more, or the test that was a group by itself."""
    gone = {"tests/cli/test_c.py", f"{OTHER}::test_renamed[x]"}
    passed = lock.Passed("0", 1, 0, 0, 1.0)
    lock.write_lock(
        pytester.path / SUITE_LOCK, dict.fromkeys([*gone, f"{OTHER}::test_slow[x]"], passed)
    )
    suite("--write-lock", PLUGIN)
    assert read_lock(pytester.path / SUITE_LOCK).keys() == {PLUGIN, f"{OTHER}::test_slow[x]"}


@pytest.mark.parametrize(
    "part",
    [
        ("-m", "not slow"),
        ("-k", "0 or 1 or fast"),
        (f"{PLUGIN}::test_slow[0]", f"{OTHER}::test_slow"),
        ("--deselect", f"{PLUGIN}::test_slow[2]", "--deselect", f"{OTHER}::test_slow[2]"),
    ],
)
def test_a_part_of_a_group_writes_nothing(
    part: tuple[str, ...], suite: Any, pytester: pytest.Pytester
) -> None:
    """Where tests were chosen, no group passed as a whole."""
    assert suite("--write-lock", *part).parseoutcomes()["passed"]
    assert not (pytester.path / SUITE_LOCK).exists()


def test_a_part_of_what_shares_a_server_writes_nothing(
    suite: Any, pytester: pytest.Pytester
) -> None:
    """A group of several files is whole with all of them, and has one line."""
    for name in "xy":
        (pytester.path / f"{SERVER}test_{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / f"{SERVER}test_{name}.py").write_text(TESTS)
    suite("--write-lock", f"{SERVER}test_x.py")
    assert not (pytester.path / SUITE_LOCK).exists()
    suite("--write-lock", SERVER)
    assert {name: line.passed for name, line in read_lock(pytester.path / SUITE_LOCK).items()} == {
        SERVER: 8
    }


def test_a_failure_that_the_lock_denies_names_the_lock(
    suite: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh group that fails is said to be so, and loses its line."""
    text = TESTS.replace("pass", "assert 'BREAK' not in __import__('os').environ")
    (pytester.path / PLUGIN).write_text(text)
    assert suite("-m", "not peers", "--write-lock").ret == 0
    monkeypatch.setenv("BREAK", "1")
    result = suite("-m", "not peers", "--write-lock")
    assert result.parseoutcomes()["failed"] == 4
    result.stdout.fnmatch_lines([f"*{SUITE_LOCK} says that {PLUGIN} passed*"])
    assert list(read_lock(pytester.path / SUITE_LOCK)) == [OTHER]


def test_who_ended_its_process_loses_its_line(suite: Any, pytester: pytest.Pytester) -> None:
    """The report of such a test comes from xdist: its id alone says whose it was."""
    assert suite("-m", "not peers", "--write-lock").ret == 0
    pytester.makeconftest(CONFTEST + CRASH)
    suite("--write-lock", PLUGIN)
    assert list(read_lock(pytester.path / SUITE_LOCK)) == [PLUGIN]


def test_what_is_no_lock_is_refused(suite: Any, pytester: pytest.Pytester) -> None:
    """A merge that went wrong is one message that names the file."""
    (pytester.path / SUITE_LOCK).write_text("<<<<<<< HEAD")
    result = suite("--changed")
    result.stderr.fnmatch_lines(["ERROR:*suite.lock*"])
