"""What importing a plugin may do to this process, and how it is undone and reported.

A plugin is code with all the user's rights: this is no sandbox. It keeps an author's slip (a
print, a `chdir`, a broad warning filter, an exit) from reaching other plugins and results.
Out of reach: `os._exit`, a crash in native code, and what a plugin registers with `atexit`.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, Self

from adversity.registry.ending import ENDING_SIGNALS
from adversity.registry.process_state import put_back, random_states, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

__all__ = ["Guard", "contained", "spoken_aside"]

PATIENCE_SECONDS = 10.0
"""After so long the plugin that is still being imported is named."""

_SAID_BETTER = 'Field name ".+" in ".+" shadows an attribute in parent'
"""A warning of pydantic's where the verdict on the class refuses, and says what to write."""

_log = logging.getLogger(__name__)


class Guard:
    """Keep whatever a plugin raises, except the user's own Ctrl-C.

    A plugin may raise `SystemExit`, `KeyboardInterrupt` or a `BaseException` of its own. An
    interrupt counts as the user's if a signal arrived, wherever signals can be seen: in the
    main thread.

    Attributes:
        error: What was raised, or None.
    """

    def __init__(self) -> None:
        """Start with nothing raised."""
        self.error: BaseException | None = None
        self._interrupted = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Begin to listen for Ctrl-C, and for what else raises as it does."""
        if threading.current_thread() is threading.main_thread():
            for number in ENDING_SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._before[number] = handler
                    signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep the exception, unless it is the user's."""
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._hear:
                signal.signal(number, handler)
        if isinstance(error, KeyboardInterrupt) and self._interrupted:
            return False
        self.error = error
        return True

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        self._before[number](number, frame)


@contextmanager
def contained(distribution: str) -> Iterator[list[str]]:
    """Undo what the block does to the process; afterwards the list says what that was.

    Args:
        distribution: Who is named if the block takes long.
    """
    undone: list[str] = []
    timer = threading.Timer(PATIENCE_SECONDS, _tell_slow, [distribution])
    timer.daemon = True
    with spoken_aside():
        before = [(item, item.read()) for item in (*settings(), *random_states())]
        warnings.filterwarnings("ignore", _SAID_BETTER)
        filters, threads = list(warnings.filters), set(threading.enumerate())
        timer.start()
        try:
            yield undone
        finally:
            timer.cancel()
            undone += put_back(before)
            undone += _put_back_filters(filters)
            warnings.filters.remove(filters[0])  # type: ignore[attr-defined]
            undone += _new_threads(threads | {timer})


@contextmanager
def spoken_aside() -> Iterator[None]:
    """Let what a plugin prints go to standard error: ours may be a JSON document."""
    with redirect_stdout(sys.stderr):
        yield


def _tell_slow(distribution: str) -> None:
    _log.warning(
        "%s has been importing for %d s; if it hangs, press Ctrl-C and leave it out with "
        "ADVERSITY_BLOCK=%s",
        distribution,
        PATIENCE_SECONDS,
        distribution,
    )


def _put_back_filters(before: list[Any]) -> Iterator[str]:
    """Undo filters that concern everybody's warnings; a library's own narrow ones stay."""
    now = list(warnings.filters)
    added = [entry for entry in now if entry not in before]
    narrow = [entry for entry in added if _is_narrow(entry)]
    if narrow == added and all(entry in now for entry in before):
        return
    warnings.filters[:] = [*narrow, *before]  # type: ignore[index]
    with warnings.catch_warnings():  # on leaving, what was cached under the other filters goes
        pass
    yield "everybody's warning filters"


def _is_narrow(entry: Any) -> bool:
    """Say whether a filter concerns one message, one module or a library's own category."""
    _, message, category, module, _ = entry
    return message is not None or module is not None or category.__module__ != "builtins"


def _new_threads(before: set[threading.Thread]) -> Iterator[str]:
    """Name threads that would keep the program from ending; nothing can end them."""
    for thread in threading.enumerate():
        if thread not in before and not thread.daemon:
            yield "the threads that run (one is not a daemon: the program ends only after it)"
            return
