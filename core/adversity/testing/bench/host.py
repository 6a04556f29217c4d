"""The process that runs the kit, kept as it is whatever a plugin does to it."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from adversity.seeding import preserve_global_rng
from adversity.testing.bench.checks import check, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.testing.bench.bench import Bench

__all__ = ["host_as_found", "host_left_alone"]


class host_as_found:  # noqa: N801  (reads as a phrase in `with host_as_found():`)
    """Leave the process as it was: its settings come back after a plugin changed them.

    The global random states, the warning filters, the current folder, the environment, the
    trace and profile functions (debuggers, coverage), torch's gradient mode, default type,
    number of threads and deterministic mode, and NumPy's error handling.
    """

    def __enter__(self) -> Self:
        """Remember everything."""
        self._stack = ExitStack()
        self._stack.enter_context(preserve_global_rng())
        self._stack.enter_context(warnings.catch_warnings())
        for read, write in _settings().values():
            self._stack.callback(_restore, read, write, read())
        return self

    def __exit__(self, *_: object) -> None:
        """Put it back."""
        self._stack.close()


def _restore(read: Callable[[], Any], write: Callable[[Any], object], before: Any) -> None:
    # Written only where it changed: setting a trace function again would cost a debugger.
    try:
        same = read() == before
    except OSError:  # the current folder was deleted
        same = False
    if not same:
        write(before)


@check("The process is left alone: debugger, warnings, folder, environment, torch's settings.")
def host_left_alone(bench: Bench) -> str:
    """Compare the settings before `setup` and after a call, with a debugger's trace function."""

    def trace(*_: object) -> None:
        """Trace nothing."""

    # Cases are fed once to find out which are answered: what that changes is put back.
    with host_as_found():
        case = bench.answered[0]
    with host_as_found():
        sys.settrace(trace)
        before = _host_settings()
        bench.answer(bench.fresh(), case)
        after = _host_settings()
    changed = [name for name, value in before.items() if after[name] != value]
    require(not changed, f"expected the process as it was, {' and '.join(changed)} changed")
    return f"{len(before)} settings as found"


def _host_settings() -> dict[str, Any]:
    """Return what a plugin has to leave alone, besides random states: each setting by name."""
    found = {name: read() for name, (read, _) in _settings().items()}
    return found | {"the warning filters": list(warnings.filters)}


def _settings() -> dict[str, tuple[Callable[[], Any], Callable[[Any], object]]]:
    """Return how each setting is read and written."""
    import numpy as np
    import torch

    deterministic = torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    return {
        "the current folder": (Path.cwd, os.chdir),
        "the environment": (lambda: dict(os.environ), _set_environment),
        "the trace function": (sys.gettrace, sys.settrace),
        "the profile function": (sys.getprofile, sys.setprofile),
        "torch's gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch's default type": (torch.get_default_dtype, torch.set_default_dtype),
        "torch's threads": (torch.get_num_threads, torch.set_num_threads),
        "torch's deterministic mode": deterministic,
        "NumPy's error handling": (np.geterr, lambda before: np.seterr(**before)),
    }


def _set_environment(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)
