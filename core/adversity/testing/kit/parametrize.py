"""The kit as pytest tests: one for each check."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from adversity.testing.kit.conformance import Trial, trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adversity.contracts import PluginBase

__all__ = ["Case", "parametrize_with_checks"]


class Case:
    """What a test calls: it fails, skips or expects the failure as pytest knows it.

    What was not tried, because nobody fetched what the plugin needs, is skipped; with
    `ADVERSITY_ASSETS=required` in the environment it fails.
    """

    def __init__(self, trial: Trial) -> None:
        """Take the check."""
        self.trial = trial

    def __call__(self) -> None:
        """Run the check."""
        import pytest

        outcome = self.trial.run()
        if outcome.status == "untried":
            required = os.environ.get("ADVERSITY_ASSETS") == "required"
            (pytest.fail if required else pytest.skip)(f"not tried: {outcome.message}")
        if outcome.status == "skipped":
            pytest.skip(outcome.message)
        if outcome.status == "expected":
            pytest.xfail(outcome.message)
        if outcome.bad:
            pytest.fail(f"{outcome.promise}\n{outcome.message}", pytrace=False)

    def __repr__(self) -> str:
        """Return what the test's name says in its brackets."""
        return self.trial.label


def parametrize_with_checks(plugins: Iterable[type[PluginBase]]) -> Callable[..., Any]:
    """Decorate a test that takes `check`: it becomes one test for each check of each plugin.

    Args:
        plugins: Plugin classes.

    Example:
        >>> from adversity.testing import parametrize_with_checks
        >>> @parametrize_with_checks([])
        ... def test_conformance(check):
        ...     check()
    """
    import pytest

    cases = [Case(trial) for plugin in plugins for trial in trials(plugin)]
    return pytest.mark.parametrize("check", cases, ids=repr)
