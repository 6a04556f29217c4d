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

# Tests are no package, so that no import finds this module; a fixture would come too late for
# the classes that they derive from it while they are collected.
_FILE = Path(__file__).with_name("kit_subjects.py")
_SPEC = importlib.util.spec_from_file_location(_FILE.stem, _FILE)
sys.modules[_FILE.stem] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sys.modules[_FILE.stem])


@pytest.fixture
def failed() -> Callable[..., dict[str, str]]:
    """Return a function that tells which checks speak against a plugin, and what they say."""

    def checks_against(plugin: Any, **options: Any) -> dict[str, str]:
        found = check_plugin(plugin, raises=False, **options)
        return {outcome.check: outcome.message for outcome in found.failures}

    return checks_against
