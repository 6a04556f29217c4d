"""Attacks: images changed within a budget so that the victim's answer changes."""

from __future__ import annotations

from adversity import Attack, hookimpl, plugins_in


@hookimpl
def adversity_attacks() -> list[type[Attack]]:
    """Return the built-in attacks: every one that a file of this folder defines."""
    return plugins_in(__name__, Attack)
