"""A lock in pytest: leave out what passed with the same, and write who passed.

A suite's `conftest.py` takes it up: `pytest_plugins = ["adversity.testing.kit.pytest_lock"]`.
`Locked` is what a lock of other tests has in common with the kit's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from adversity.errors import InputError, UnknownPluginError
from adversity.registry import discover
from adversity.testing.kit.conformance import trials
from adversity.testing.kit.lock import (
    Passed,
    commit_of,
    drawn,
    own_part,
    read_lock,
    tried_with,
    write_lock,
)
from adversity.testing.kit.parametrize import Case

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from adversity.contracts import PluginBase

LOCK = "tests/kit.lock"
"""Where the kit's lock lies, from the root of the repository."""
CHEAP = 5.0
"""Seconds: what took less is tried after every change."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add two options."""
    group = parser.getgroup("adversity", "conformance kit")
    group.addoption(
        "--changed",
        action="store_true",
        help="leave out what passed with the same sources and versions, but for a tenth of it, drawn "
        f"by the commit: plugins that passed the kit, as {LOCK} says, and what the suite's own locks "
        "name",
    )
    group.addoption(
        "--core-share",
        type=int,
        default=1,
        metavar="N",
        help="with --changed: where no more has changed than the core, or plugins that somebody "
        "looks through, try one in N of those that are as they were, drawn by the commit, and all "
        f"that took less than {CHEAP:g} s; 1 (if not given) tries all",
    )
    group.addoption(
        "--write-lock",
        action="store_true",
        help=f"write into {LOCK} which plugins passed the whole kit, and into the suite's own locks "
        "what passed as a whole",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the kit's lock, where one of the options needs it."""
    take_up(KitLock, config)


def take_up(lock: type[Locked], config: pytest.Config) -> None:
    """Read a lock, where one of the options needs it.

    Raises:
        pytest.UsageError: If the file is no lock, or an option no share.
    """
    if config.option.core_share < 1:
        raise pytest.UsageError(f"--core-share: expected 1 or more, got {config.option.core_share}")
    if config.option.changed or config.option.write_lock:
        try:
            config.pluginmanager.register(lock(config))
        except InputError as error:
            raise pytest.UsageError(str(error)) from error


class Locked(ABC):
    """Who is left out, and who passed, in one run of pytest or in one of its workers.

    Attributes:
        lock: Where the file lies, from the root of the repository.
        what: What its lines are of, for the terminal.
        covered_in: Where a reader finds what a digest covers.
    """

    lock: ClassVar[str]
    what: ClassVar[str]
    covered_in: ClassVar[str]

    def __init__(self, config: pytest.Config) -> None:
        """Read the lock."""
        self.config = config
        self.file = config.rootpath / self.lock
        self.passed = read_lock(self.file)
        self.digests: dict[str, str] = {}
        self.own: dict[str, str] = {}
        self.trials: dict[str, int] = {}
        self.left_out: set[str] = set()
        self.put_off: set[str] = set()
        self.tests_left_out = 0
        self.crashed: set[str] = set()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.reports: dict[str, list[tuple[dict[str, Any], pytest.TestReport]]] = defaultdict(list)

    @abstractmethod
    def name_of(self, item: pytest.Item) -> str:
        """Return whose line tells of a test; empty for nobody's."""

    @abstractmethod
    def read_digests(self, items: list[pytest.Item]) -> None:
        """Fill in what each line would say now: its digests, and how many trials are the whole."""

    @abstractmethod
    def existing(self, names: Iterable[str]) -> set[str]:
        """Return which names are still somebody's."""

    @abstractmethod
    def may_be_of(self, name: str, nodeid: str) -> bool:
        """Say whether a line may tell of a test of which nothing but its id is known."""

    def fresh(self, name: str) -> bool:
        """Say whether it passed with what it would be tried with now."""
        line = self.passed.get(name)
        return line is not None and line.digest == self.digests[name]

    def may_wait(self, name: str) -> bool:
        """Say whether it is dear and as it was, and no more has changed than what it shares."""
        line = self.passed.get(name)
        if line is None or not line.own or self.fresh(name):
            return False
        return line.own == self.own.get(name) and line.seconds >= CHEAP

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out what is fresh, but for what is drawn; what else is left out comes after."""
        self.read_digests(items)
        if not config.option.changed:
            return
        commit = commit_of(config.rootpath)
        fresh = {name for name in self.digests if self.fresh(name)}
        self.left_out = fresh - drawn(fresh, commit)
        waiting = {name for name in self.digests if self.may_wait(name)}
        self.put_off = waiting - drawn(waiting, commit, config.option.core_share)
        out = self.left_out | self.put_off
        gone = [item for item in items if self.name_of(item) in out]
        items[:] = [item for item in items if self.name_of(item) not in out]
        self.tests_left_out = len(gone)
        config.hook.pytest_deselected(items=gone)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note on the report whose test it was; a failure that the lock denies names the lock."""
        report = yield
        name = self.name_of(item)
        if not name:
            return report
        facts: dict[str, Any] = {"name": name, "trials": self.trials[name]}
        facts |= {"digest": self.digests[name], "own": self.own.get(name, "")}
        report.user_properties.append((self.lock, facts))
        if report.failed and self.fresh(name):
            report.longrepr = f"{report.longrepr}\n{self._denied(name)}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what became of the tests, from all workers."""
        facts = dict(report.user_properties).get(self.lock)
        if report.failed and report.when not in ("setup", "call", "teardown"):
            self.crashed.add(report.nodeid)  # with the process that ran it, and so without facts
        if isinstance(facts, dict):
            self.seconds[facts["name"]] += report.duration  # fixtures, too
            if report.when == "call" or not report.passed:
                self.reports[facts["name"]].append((facts, report))

    def pytest_sessionfinish(self) -> None:
        """Write who passed; a worker hands on who was left out."""
        if hasattr(self.config, "workerinput"):
            given = (sorted(self.left_out), sorted(self.put_off), self.tests_left_out)
            self.config.workeroutput[self.lock] = given  # type: ignore[attr-defined]
        elif self.config.option.write_lock:
            self._write()

    def _write(self) -> None:
        there = self.existing(self.passed)
        lines = {
            name: line
            for name, line in self.passed.items()
            if name in there and not any(self.may_be_of(name, test) for test in self.crashed)
        }
        for name, given in self.reports.items():
            digest, line = given[0][0]["digest"], _line(given, self.seconds[name])
            before = lines.get(name)
            if any(report.failed for _, report in given) and before and before.digest == digest:
                del lines[name]
            # Of what is as it was only the seconds are others, which would be noise.
            elif line is not None and (before is None or before.digest != digest):
                lines[name] = line
        if lines != self.passed:
            write_lock(self.file, lines)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear from a worker who was left out: all of them leave out the same."""
        left_out, put_off, self.tests_left_out = getattr(node, "workeroutput", {}).get(
            self.lock, (self.left_out, self.put_off, self.tests_left_out)
        )
        self.left_out.update(left_out)
        self.put_off.update(put_off)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say who was left out: a reader must not take it for tried."""
        if self.left_out or self.put_off:
            terminalreporter.write_line(
                f"{len(self.left_out)} {self.what} left out, unchanged since they passed "
                f"({self.lock}){_listed(self.left_out)}; {len(self.put_off)} put off, not tried "
                f"since the core or other plugins changed{_listed(self.put_off)}; "
                f"{self.tests_left_out} tests in all"
            )

    def _denied(self, name: str) -> str:
        return (
            f"{self.lock} says that {name} passed with the same sources and versions: something "
            f"that its digest leaves out has changed (see {self.covered_in}), or the outcome is not "
            "always the same"
        )


class KitLock(Locked):
    """Which plugins passed the conformance kit."""

    lock = LOCK
    what = "plugins"
    covered_in = "`tried_with` in adversity.testing.kit.lock"

    def name_of(self, item: pytest.Item) -> str:
        """Return what the lock calls the plugin that a test tries."""
        return name_of(plugin_of(item))

    def read_digests(self, items: list[pytest.Item]) -> None:
        """Digest the plugins that are tried."""
        for plugin in {plugin for item in items if (plugin := plugin_of(item)) is not None}:
            self.digests[name_of(plugin)] = tried_with(plugin)
            self.own[name_of(plugin)] = own_part(plugin)
            self.trials[name_of(plugin)] = len(list(trials(plugin)))

    def may_be_of(self, name: str, nodeid: str) -> bool:
        """Say whether a test's id has the plugin's name in it."""
        return name.partition("/")[2] in nodeid

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return which of them are installed."""
        return {f"{entry.kind}/{entry.name}" for entry in discover().entries()}.intersection(names)


def plugin_of(item: pytest.Item) -> type[PluginBase] | None:
    """Return the installed plugin that a test tries; None for any other test."""
    given = getattr(item, "callspec", None)
    case = given.params.get("check") if given is not None else None
    if not isinstance(case, Case):
        return None
    plugin = case.trial.bench.cls
    try:
        return plugin if discover().get(plugin.kind, plugin.name).cls is plugin else None
    except UnknownPluginError:
        return None


def name_of(plugin: type[PluginBase] | None) -> str:
    """Return what the lock calls a plugin; empty for none."""
    return f"{plugin.kind}/{plugin.name}" if plugin is not None else ""


def _line(given: list[tuple[dict[str, Any], pytest.TestReport]], seconds: float) -> Passed | None:
    """Return what the lock says of somebody's tests; None if one failed or was not run."""
    facts = given[0][0]
    expected = sum(hasattr(report, "wasxfail") for _, report in given)
    skipped = sum(report.skipped for _, report in given) - expected
    passed = sum(report.passed for _, report in given)
    failed = len(given) - passed - skipped - expected
    if failed or len(given) != facts["trials"] or not passed + expected:
        return None
    return Passed(facts["digest"], passed, skipped, expected, round(seconds, 1), facts["own"])


def _listed(names: set[str], most: int = 40) -> str:
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return f": {', '.join(sorted(names)[:most] + more)}" if names else ""
