"""The process that runs the kit, kept as it is whatever a plugin does to it."""

from __future__ import annotations

import sys
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from adversity.registry.process_state import environment, put_back, settings
from adversity.seeding import preserve_global_rng
from adversity.testing.bench.checks import check, require

if TYPE_CHECKING:
    from adversity.registry.process_state import Watched
    from adversity.testing.bench.bench import Bench

__all__ = ["host_as_found", "host_left_alone"]


class host_as_found:  # noqa: N801  (reads as a phrase in `with host_as_found():`)
    """Leave the process as it was: its settings come back after a plugin changed them.

    The global random states, the warning filters, the environment, and the settings that an
    import may not change either (`registry.process_state`).
    """

    def __enter__(self) -> Self:
        """Remember everything."""
        self._stack = ExitStack()
        self._stack.enter_context(preserve_global_rng())
        self._stack.enter_context(warnings.catch_warnings())
        self._before = _host_settings()
        return self

    def __exit__(self, *_: object) -> None:
        """Put it back."""
        list(put_back(self._before))
        self._stack.close()


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
        before, filters = _host_settings(), list(warnings.filters)
        bench.answer(bench.fresh(), case)
        changed = list(put_back(before))
        changed += ["the warning filters"] * (warnings.filters != filters)
    require(not changed, f"expected the process as it was, {' and '.join(changed)} changed")
    return f"{len(before) + 1} settings as found"


def _host_settings() -> list[tuple[Watched, Any]]:
    """Return what a plugin has to leave alone, besides random states, with its value now."""
    return [(item, item.read()) for item in (*settings(), environment())]
