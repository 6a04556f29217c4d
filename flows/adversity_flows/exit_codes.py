"""Exit codes that a command ends with; those of errors stand at their classes."""

from __future__ import annotations

__all__ = ["BROKEN_PIPE", "FAILED", "INTERRUPTED"]

FAILED = 3
INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell gives for a command whose reader went away
