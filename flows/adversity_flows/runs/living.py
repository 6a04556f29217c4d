"""Whether a process of this machine still is the one that it was."""

from __future__ import annotations

__all__ = ["born", "is_same"]

_CLOCK = 1.0
"""Seconds by which two readings of when a process began may differ."""


def born(pid: int) -> float | None:
    """Return when a process of this machine began; None if it has ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else float(process.create_time())
    except psutil.Error:
        return None


def is_same(pid: int, began: float) -> bool:
    """Tell whether a process lives that began then, and not another one under its number."""
    now = born(pid)
    return now is not None and abs(now - began) <= _CLOCK
