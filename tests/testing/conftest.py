"""What the kit says against a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adversity.testing import check_plugin

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def failed() -> Callable[..., dict[str, str]]:
    """Return a function that tells which checks speak against a plugin, and what they say."""

    def checks_against(plugin: Any, **options: Any) -> dict[str, str]:
        found = check_plugin(plugin, raises=False, **options)
        return {outcome.check: outcome.message for outcome in found.failures}

    return checks_against
