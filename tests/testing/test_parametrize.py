"""The kit as pytest tests: each check is a test, and pytest knows what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit_subjects import Copy

from adversity.testing import parametrize_with_checks
from adversity.testing.kit.conformance import trials

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]


def test_labels_are_readable_and_different() -> None:
    """Each test of a report has a name of its own: plugin, parameters, check."""
    labels = [trial.label for trial in trials(Copy)]
    assert "copy-alone" in labels
    assert len(set(labels)) == len(labels)


def test_pytest_sees_each_status(pytester: pytest.Pytester) -> None:
    """As pytest tests: passed, failed, skipped, expected as xfail, fixed as failure."""
    pytester.makepyfile(
        """
        from kit_subjects import Admits, Copy, Halved, Fixed
        from adversity.testing import parametrize_with_checks

        @parametrize_with_checks([Copy, Halved, Admits, Fixed])
        def test_it(check):
            check()
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "gradient or severity")
    result.assert_outcomes(passed=1, failed=2, skipped=4, xfailed=1)
    result.stdout.fnmatch_lines(["*copy-gradient_is_right*"])


@parametrize_with_checks([Copy])
def test_checks_as_tests(check: Any) -> None:
    """The decorator works in a plugin author's tests as it does here."""
    check()
