"""Built-in uncertainty methods: of stored predictions, and of a network that is asked again."""

from __future__ import annotations

from adversity import Uncertainty, hookimpl, plugins_in


@hookimpl
def adversity_uncertainties() -> list[type[Uncertainty]]:
    """Return the built-in uncertainty methods: every one that a file of this folder defines."""
    return plugins_in(__name__, Uncertainty)
