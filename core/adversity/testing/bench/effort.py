"""How much a slow plugin is tried with: less than others, and its outcome says what was left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["SLOW_SECONDS", "Effort"]

T = TypeVar("T")

SLOW_SECONDS = 0.1
"""Of a processor, for one sample. The kit tries some hundreds of samples; a plugin that is
slower takes it minutes, and what its checks look for shows in few samples as in many."""


class Effort:
    """How slow a plugin is, and what the checks leave out because of it.

    Attributes:
        seconds: Of a processor, for a sample of the first case; None before it was fed.
        left_out: What was tried instead of all, since the list was emptied: `1 of 4 cases`.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.seconds: float | None = None
        self.left_out: list[str] = []

    def timed(self, call: Callable[[], T], samples: int) -> T:
        """Run a call. The first one says how slow the plugin is.

        A slow one is run again: the first call of a plugin may have loaded what it needs.
        """
        answer, seconds = _clocked(call)
        if self.seconds is None:
            each = max(samples, 1)
            if seconds > SLOW_SECONDS * each:
                seconds = min(seconds, _clocked(call)[1])
            self.seconds = seconds / each
        return answer

    def some(self, everything: Iterable[T], keep: int, what: str) -> list[T]:
        """Return what to try: everything, or the first `keep` of it where the plugin is slow."""
        items = list(everything)
        if (self.seconds or 0.0) <= SLOW_SECONDS or len(items) <= keep:
            return items
        self.left_out.append(f"{keep} of {len(items)} {what}")
        return items[:keep]

    def words(self) -> str:
        """Return what was left out in words, to end a message with; empty for nothing."""
        if not self.left_out:
            return ""
        tried = " and ".join(dict.fromkeys(self.left_out))
        return f" (tried on {tried}: it is slow, {self.seconds:.2g} s a sample)"


def _clocked(call: Callable[[], T]) -> tuple[T, float]:
    # The processor's time: a busy machine makes no plugin slow.
    began = time.process_time()
    answer = call()
    return answer, time.process_time() - began
