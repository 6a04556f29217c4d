"""What of the process no plugin may change: how it is read, and how it is put back.

The registry watches it while a plugin is imported, the conformance kit while one is tried.
"""

from __future__ import annotations

import ast
import os
import random
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.registry.ending import ENDING_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Watched", "environment", "put_back", "random_states", "settings"]

_UNKNOWN = object()
"""The value of what cannot be known."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Something of the process that no plugin should change.

    Attributes:
        what: Its name in messages.
        read: Returns its value now, comparable.
        restore: Puts a value back.
    """

    what: str
    read: Callable[[], Any]
    restore: Callable[[Any], object]


def settings() -> list[Watched]:
    """Return what nobody changes, neither an import nor a call.

    NumPy and PyTorch if they are there already, signals in the main thread, where Python sees
    them.
    """
    watched = [
        Watched("the working directory", _folder, os.chdir),
        *(_attribute(sys, name) for name in ("excepthook", "stdout", "stderr")),
        _attribute(threading, "excepthook"),
        Watched("the trace function", sys.gettrace, sys.settrace),
        Watched("the profile function", sys.getprofile, sys.setprofile),
        *_numpy_errors(),
        _of_torch("PyTorch's default type", "get_default_dtype", "set_default_dtype", "float32"),
        _of_torch("whether PyTorch keeps gradients", "is_grad_enabled", "set_grad_enabled", "True"),
        _of_torch("PyTorch's threads", "get_num_threads", "set_num_threads", _UNKNOWN),
        _of_torch(
            "PyTorch's deterministic mode",
            "are_deterministic_algorithms_enabled",
            "use_deterministic_algorithms",
            "False",
        ),
    ]
    if threading.current_thread() is threading.main_thread():
        watched += [_signal(number) for number in ENDING_SIGNALS]
    return watched


def random_states() -> list[Watched]:
    """Return the global random states, but for PyTorch's, which an import may not load."""
    numpy: Any = sys.modules.get("numpy")
    watched = [Watched("Python's random numbers", random.getstate, random.setstate)]
    if hasattr(numpy, "random"):
        read = numpy.random.get_state
        watched.append(
            Watched("NumPy's random numbers", lambda: _plain(read()), numpy.random.set_state)
        )
    return watched


def environment() -> Watched:
    """Return the environment, into which libraries write when they are imported."""
    return Watched("the environment", lambda: dict(os.environ), _set_environment)


def put_back(watched: Iterable[tuple[Watched, Any]]) -> Iterator[str]:
    """Put back what is not as it was before; yield its name.

    Args:
        watched: What may have changed, each with its value before.
    """
    for item, before in watched:
        # Written only where it changed: setting a trace function again would cost a debugger.
        if before is not _UNKNOWN and item.read() != before:
            # A value that cannot be put back, a folder that is gone, is named all the same.
            with suppress(Exception):
                item.restore(before)
            yield item.what


def _folder() -> Any:
    try:
        return os.getcwd()  # noqa: PTH109  (compared as text, links unresolved)
    except OSError:
        return _UNKNOWN


def _attribute(owner: Any, name: str) -> Watched:
    return Watched(
        f"{owner.__name__}.{name}",
        lambda: getattr(owner, name, _UNKNOWN),
        lambda value: setattr(owner, name, value),
    )


def _signal(number: signal.Signals) -> Watched:
    return Watched(
        f"what {number.name} does",
        lambda: signal.getsignal(number),
        lambda handler: signal.signal(number, handler),
    )


def _numpy_errors() -> list[Watched]:
    numpy: Any = sys.modules.get("numpy")
    if not hasattr(numpy, "geterr"):
        return []
    return [
        Watched("NumPy's handling of errors", numpy.geterr, lambda value: numpy.seterr(**value))
    ]


def _plain(state: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a state in which arrays are tuples, which `==` compares as a whole."""
    return tuple(tuple(part.tolist()) if hasattr(part, "tolist") else part for part in state)


def _of_torch(what: str, getter: str, setter: str, fresh: object) -> Watched:
    """Return a setting as text; before PyTorch is imported, what a fresh one has."""

    def read() -> object:
        with suppress(Exception):
            return str(getattr(sys.modules["torch"], getter)()).removeprefix("torch.")
        return fresh

    def restore(text: str) -> None:
        torch = sys.modules["torch"]
        value = getattr(torch, text, None)
        getattr(torch, setter)(ast.literal_eval(text) if value is None else value)

    return Watched(what, read, restore)


def _set_environment(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)
