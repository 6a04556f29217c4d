"""The signals that ask a process to end, so that it can still clean up."""

from __future__ import annotations

import signal

__all__ = ["ENDING_SIGNALS"]

ENDING_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")  # not all are everywhere
    if hasattr(signal, name)
)
