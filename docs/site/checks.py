"""Tables of what the conformance kit checks, from the kit itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from markdown_text import code, table, written

from adversity.testing.bench.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from adversity.testing import Check

__all__ = ["checks_table"]


def checks_table(name: str) -> str:
    """Return the table of one part of the kit.

    Args:
        name: A module below `adversity.testing`: `kinds.attack`, `common.fitted`.
    """
    rows = ((code(check.name), written(check.promise)) for check in _checks(name))
    return "\n".join(table(("check", "what holds"), rows))


def _checks(name: str) -> Iterable[Check]:
    """Return the checks of a file: its list, or those of the benches it defines."""
    module = import_module(f"adversity.testing.{name}")
    if hasattr(module, "CHECKS"):
        return tuple(module.CHECKS)
    found = (check for bench in _benches(module) for check in bench.checks)
    return dict.fromkeys(found)


def _benches(module: ModuleType) -> Iterable[type[Bench]]:
    values = vars(module).values()
    return [
        value
        for value in values
        if isinstance(value, type)
        and issubclass(value, Bench)
        and value.__module__ == module.__name__
    ]
