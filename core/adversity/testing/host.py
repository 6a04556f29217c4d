"""The process that runs the kit, kept as it is whatever a plugin does to it."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["host_as_found"]


class host_as_found:  # noqa: N801  (reads as a phrase in `with host_as_found():`)
    """Leave the process as it was: its settings come back after a plugin changed them.

    The global random states, the warning filters, the current folder, the environment, the
    trace and profile functions (debuggers, coverage), and torch's and NumPy's own settings.
    """

    def __enter__(self) -> Self:
        """Remember everything."""
        self._stack = ExitStack()
        self._stack.enter_context(preserve_global_rng())
        self._stack.enter_context(warnings.catch_warnings())
        for read, write in _settings():
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


def _settings() -> tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...]:
    """Return how each setting is read and written."""
    import numpy as np
    import torch

    return (
        (Path.cwd, os.chdir),
        (lambda: dict(os.environ), _set_environment),
        (sys.gettrace, sys.settrace),
        (sys.getprofile, sys.setprofile),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
        (np.geterr, lambda before: np.seterr(**before)),
    )


def _set_environment(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)
