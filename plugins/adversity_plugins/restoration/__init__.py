"""Restorations: brightening, denoising and enlarging, learned and not learned."""

from __future__ import annotations

from adversity import Restoration, hookimpl, plugins_in


@hookimpl
def adversity_restorations() -> list[type[Restoration]]:
    """Return the built-in restorations: every one that a file of this folder defines."""
    return plugins_in(__name__, Restoration)
