"""The API reference: what Sphinx is told to read from the docstrings."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import isroutine
from pprint import pformat
from textwrap import indent
from typing import TYPE_CHECKING

from adversity import Notifier
from adversity.contracts import KINDS, PluginBase

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["api_page", "as_written", "contracts", "public_names"]

_PLUGIN = (
    "   :show-inheritance:",
    "   :undoc-members:",
    "   :exclude-members: model_config, model_post_init, describes, kind, makes",
)
"""Claims and parameters count without a text of their own; what pydantic adds does not."""
_NOTIFIER = ("   :exclude-members: model_config",)
_FENCE = "```"


def contracts() -> list[type[PluginBase]]:
    """Return the contract of each kind, in the order of lists."""
    return sorted(KINDS.values(), key=lambda contract: contract.describes.place)


def api_page(module: str, names: list[str]) -> str:
    """Return the reference of a module, in the order of its `__all__`, or of some names.

    Args:
        module: For example `adversity.errors`.
        names: What to show of it, `kinds` for the hooks of all kinds; empty for all it exports.
    """
    home = import_module(module)
    lines = [f"{_FENCE}{{eval-rst}}", f".. py:currentmodule:: {module}", ""]
    for name in public_names(home, names):
        lines += [*_entry(home, name), ""]
    return "\n".join([*lines, _FENCE])


def public_names(home: ModuleType, names: list[str]) -> list[str]:
    """Return the names of a module that a page is about, as it asks for them."""
    if names == ["kinds"]:
        return ["adversity_kinds", *(contract.describes.hook for contract in contracts())]
    return names or [name for name in home.__all__ if not name.startswith("__")]


def _entry(home: ModuleType, name: str) -> list[str]:
    """Return the directive for one name: a class, a function or a value."""
    value = getattr(home, name)
    path = f"{home.__name__}.{name}"
    if isinstance(value, type):
        if issubclass(value, BaseException):
            return [f".. autoexception:: {path}", "   :show-inheritance:"]
        plugin = _PLUGIN if issubclass(value, PluginBase) else ()
        more = _NOTIFIER if issubclass(value, Notifier) else plugin
        return [f".. autoclass:: {path}", *more]
    if isroutine(value):
        return [f".. autofunction:: {path}"]
    shown = pformat(value, sort_dicts=False)
    if "\n" not in shown:
        return [f".. py:data:: {name}", f"   :value: {shown}"]
    return [f".. py:data:: {name}", "", "   .. code-block:: python", "", indent(shown, " " * 6)]


def as_written(
    app: object, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Keep |x| in a docstring what it is in mathematics; to reStructuredText it is a reference."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(`[^`]*`)", line)
            parts[::2] = [part.replace("|", "\\|") for part in parts[::2]]
            lines[number] = "".join(parts)
