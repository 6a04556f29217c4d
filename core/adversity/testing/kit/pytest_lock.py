"""The kit's lock in pytest: leave out plugins that passed with the same, and write who passed.

A suite takes it up in its `conftest.py`: `pytest_plugins = ["adversity.testing.kit.pytest_lock"]`.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import InputError, UnknownPluginError
from adversity.registry import discover
from adversity.testing.kit.conformance import trials
from adversity.testing.kit.lock import Passed, drawn, read_lock, tried_with, write_lock
from adversity.testing.kit.parametrize import Case

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from adversity.contracts import PluginBase

LOCK = "tests/kit.lock"
"""Where the lock lies, from the root of the repository."""

_PROPERTY = "adversity_kit"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add two options."""
    group = parser.getgroup("adversity", "conformance kit")
    group.addoption(
        "--changed",
        action="store_true",
        help=f"leave out plugins that passed the kit with the same sources and versions, as {LOCK} "
        "says, but for a tenth of them, drawn by the commit",
    )
    group.addoption(
        "--write-lock",
        action="store_true",
        help=f"write into {LOCK} which plugins passed the whole kit",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the lock, where one of the options needs it."""
    if config.option.changed or config.option.write_lock:
        try:
            config.pluginmanager.register(KitLock(config))
        except InputError as error:
            raise pytest.UsageError(str(error)) from error


class KitLock:
    """Who is left out, and who passed, in one run of pytest or in one of its workers."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the lock."""
        self.config = config
        self.file = config.rootpath / LOCK
        self.passed = read_lock(self.file)
        self.digests: dict[str, str] = {}
        self.trials: dict[str, int] = {}
        self.left_out: set[str] = set()
        self.reports: dict[str, list[tuple[dict[str, Any], pytest.TestReport]]] = defaultdict(list)

    def fresh(self, name: str) -> bool:
        """Say whether a plugin passed with what it would be tried with now."""
        line = self.passed.get(name)
        return line is not None and line.digest == self.digests[name]

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the checks of fresh plugins, but for those that are drawn."""
        for plugin in {plugin for item in items if (plugin := plugin_of(item)) is not None}:
            self.digests[name_of(plugin)] = tried_with(plugin)
            self.trials[name_of(plugin)] = len(list(trials(plugin)))
        if not config.option.changed:
            return
        fresh = {name for name in self.digests if self.fresh(name)}
        self.left_out = fresh - drawn(fresh, _commit(config.rootpath))
        gone = [item for item in items if name_of(plugin_of(item)) in self.left_out]
        items[:] = [item for item in items if name_of(plugin_of(item)) not in self.left_out]
        config.hook.pytest_deselected(items=gone)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note on the report whose check it was; a failure that the lock denies names the lock."""
        report = yield
        plugin = plugin_of(item)
        if plugin is None:
            return report
        name = name_of(plugin)
        facts = {"name": name, "digest": self.digests[name], "trials": self.trials[name]}
        report.user_properties.append((_PROPERTY, facts))
        if report.failed and self.fresh(name):
            report.longrepr = f"{report.longrepr}\n{_denied(name)}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what became of the checks, from all workers."""
        facts = dict(report.user_properties).get(_PROPERTY)
        if isinstance(facts, dict) and (report.when == "call" or not report.passed):
            self.reports[facts["name"]].append((facts, report))

    def pytest_sessionfinish(self) -> None:
        """Write who passed; a worker hands on who was left out."""
        if hasattr(self.config, "workerinput"):
            self.config.workeroutput[_PROPERTY] = sorted(self.left_out)  # type: ignore[attr-defined]
        elif self.config.option.write_lock:
            self._write()

    def _write(self) -> None:
        installed = {f"{entry.kind}/{entry.name}" for entry in discover().entries()}
        lines = {name: line for name, line in self.passed.items() if name in installed}
        for name, given in self.reports.items():
            digest, line = given[0][0]["digest"], _line(given)
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
        """Hear from a worker who was left out."""
        self.left_out.update(getattr(node, "workeroutput", {}).get(_PROPERTY, ()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say who was left out: a reader must not take it for tried."""
        if self.left_out:
            names = ", ".join(sorted(self.left_out))
            terminalreporter.write_line(
                f"kit: {len(self.left_out)} plugins left out, unchanged since they passed ({LOCK}): "
                f"{names}"
            )


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


def _line(given: list[tuple[dict[str, Any], pytest.TestReport]]) -> Passed | None:
    """Return what the lock says of a plugin's checks; None if one failed or was not run."""
    facts = given[0][0]
    expected = sum(hasattr(report, "wasxfail") for _, report in given)
    skipped = sum(report.skipped for _, report in given) - expected
    passed = sum(report.passed for _, report in given)
    failed = len(given) - passed - skipped - expected
    if failed or len(given) != facts["trials"] or not passed + expected:
        return None
    seconds = sum(report.duration for _, report in given)
    return Passed(facts["digest"], passed, skipped, expected, round(seconds, 1))


def _denied(name: str) -> str:
    return (
        f"{LOCK} says that {name} passed with the same sources and versions: something that its "
        "digest leaves out has changed (see `tried_with` in adversity.testing.kit.lock), or the "
        "outcome is not always the same"
    )


def _commit(root: Path) -> str:
    """Return the commit of a repository; empty outside of one, so that the draw stays the same."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:  # there is no git
        return ""
    return done.stdout.strip()
