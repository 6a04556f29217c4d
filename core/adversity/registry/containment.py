"""What importing a plugin may do to this process, and how it is undone and told.

A plugin is code with all the user's rights: this is no sandbox. It keeps an author's slip (a
print, a `chdir`, a broad warning filter, an exit) from reaching other plugins and results.
Out of reach: `os._exit`, a crash in native code, and what a plugin registers with `atexit`.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import warnings
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from adversity.registry.ending import ENDING_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


@dataclass(frozen=True, slots=True)
class _Watched:
    """Something of the process that no plugin should change.

    Attributes:
        what: Its name in messages.
        read: Returns its value now, comparable; None if it cannot be known.
        restore: Puts a value back.
    """

    what: str
    read: Callable[[], Any]
    restore: Callable[[Any], object]


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
        watched = _watched()
        before = [item.read() for item in watched]
        warnings.filterwarnings("ignore", _SAID_BETTER)
        filters, threads = list(warnings.filters), set(threading.enumerate())
        timer.start()
        try:
            yield undone
        finally:
            timer.cancel()
            undone += _put_back(watched, before)
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


def _watched() -> list[_Watched]:
    found = [
        _Watched("the working directory", _folder, os.chdir),
        _Watched("Python's random numbers", random.getstate, random.setstate),
        *(_attribute(sys, name) for name in ("excepthook", "stdout", "stderr")),
        _attribute(threading, "excepthook"),
        *_numpy(),
        *_torch(),
    ]
    if threading.current_thread() is threading.main_thread():
        found += [_signal(number) for number in ENDING_SIGNALS]
    return found


def _put_back(watched: list[_Watched], before: list[Any]) -> Iterator[str]:
    for item, value in zip(watched, before, strict=True):
        if value is not None and item.read() != value:
            # A value that cannot be put back, a folder that is gone, is named all the same.
            with suppress(Exception):
                item.restore(value)
            yield item.what


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


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  (compared as text, links unresolved)
    except OSError:
        return None


def _attribute(owner: Any, name: str) -> _Watched:
    return _Watched(
        f"{owner.__name__}.{name}",
        lambda: getattr(owner, name, None),
        lambda value: setattr(owner, name, value),
    )


def _signal(number: signal.Signals) -> _Watched:
    return _Watched(
        f"what {number.name} does",
        lambda: signal.getsignal(number),
        lambda handler: signal.signal(number, handler),
    )


def _numpy() -> list[_Watched]:
    """Return NumPy's global state, if it is there already."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "random"):
        return []
    return [
        _Watched("NumPy's handling of errors", numpy.geterr, lambda value: numpy.seterr(**value)),
        _Watched(
            "NumPy's random numbers",
            lambda: _plain(numpy.random.get_state()),
            numpy.random.set_state,
        ),
    ]


def _plain(state: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a state in which arrays are tuples, which `==` compares as a whole."""
    return tuple(tuple(part.tolist()) if hasattr(part, "tolist") else part for part in state)


def _torch() -> list[_Watched]:
    """Return what changes the numbers of everybody who computes with torch after it."""
    return [
        _Watched(
            "PyTorch's default type",
            lambda: _of_torch("get_default_dtype", "float32"),
            lambda name: _tell_torch("set_default_dtype", name),
        ),
        _Watched(
            "whether PyTorch keeps gradients",
            lambda: _of_torch("is_grad_enabled", "True"),
            lambda name: _tell_torch("set_grad_enabled", name),
        ),
    ]


def _of_torch(getter: str, fresh: str) -> str:
    """Return a setting as text; before torch is imported, what a fresh one has."""
    with suppress(Exception):
        return str(getattr(sys.modules["torch"], getter)()).removeprefix("torch.")
    return fresh


def _tell_torch(setter: str, name: str) -> None:
    torch: Any = sys.modules["torch"]
    value = name == "True" if name in ("True", "False") else getattr(torch, name)
    getattr(torch, setter)(value)
