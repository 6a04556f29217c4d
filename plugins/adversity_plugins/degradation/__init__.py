"""Degradations: noise, blur, weather, darkness and more, with a severity or physical parameters."""

from __future__ import annotations

from adversity import Degradation, hookimpl, plugins_in


@hookimpl
def adversity_degradations() -> list[type[Degradation]]:
    """Return the built-in degradations: every one that a file of this folder defines."""
    return plugins_in(__name__, Degradation)
