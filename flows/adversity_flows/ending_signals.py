"""The signals that ask this process to end: each is taken as Ctrl-C, and however often, once."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from adversity.registry.ending import ENDING_SIGNALS
from adversity_flows.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["heard_signals", "leave", "take_as_interrupt"]

IMPATIENT_SECONDS = 5.0
"""A signal this long after the last one is meant: it ends the wait for shards at work."""

_last = -IMPATIENT_SECONDS


def heard_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end this process; those that its parent ignores (nohup) do not."""
    return tuple(
        number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
    )


def take_as_interrupt() -> None:
    """Raise KeyboardInterrupt for them from now on; repeats do not disturb what it sets off."""
    global _last  # a process has one set of handlers
    _last = -IMPATIENT_SECONDS
    for number in heard_signals():
        signal.signal(number, _interrupt)


def leave(code: int) -> None:
    """Hold on to the exit code while the interpreter ends, whatever signal still comes.

    After an interrupt the process ends here, without the destructors of threads that may still
    compute; what is finished is on the disk.
    """
    for number in heard_signals():
        signal.signal(number, lambda *_: os._exit(code))
    if code == INTERRUPTED:
        os._exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    global _last  # as above
    last, _last = _last, time.monotonic()
    if _last - last >= IMPATIENT_SECONDS:
        raise KeyboardInterrupt
