"""What the kit says against a plugin, and the plugins that several of these tests try."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adversity.testing import check_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

_SUBJECTS = Path(__file__).with_name("kit_subjects.py")


def pytest_pycollect_makemodule() -> None:
    """Import the plugins before the first module that derives classes from them.

    Tests are no package, so that no import finds that file. It imports torch, which the process
    that only hands tests to those of `-n` is spared: it reads this file and collects nothing.
    """
    if _SUBJECTS.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(_SUBJECTS.stem, _SUBJECTS)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_SUBJECTS.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_SUBJECTS.stem])


@pytest.fixture
def failed() -> Callable[..., dict[str, str]]:
    """Return a function that tells which checks speak against a plugin, and what they say."""

    def checks_against(plugin: Any, **options: Any) -> dict[str, str]:
        found = check_plugin(plugin, raises=False, **options)
        return {outcome.check: outcome.message for outcome in found.failures}

    return checks_against
