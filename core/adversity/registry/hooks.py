"""Check the hooks of a plugin's module: what pluggy would leave unsaid is said here."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import TYPE_CHECKING

import pluggy

from adversity import hookspecs
from adversity.contracts import KINDS
from adversity.did_you_mean import did_you_mean
from adversity.hookspecs import GROUP, kind_hook
from adversity.registry.quoting import shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts import PluginBase

__all__ = ["add_kind", "hook_fault", "new_manager"]


def new_manager(kinds: Mapping[str, type[PluginBase]]) -> pluggy.PluginManager:
    """Return a plugin manager that knows the hook specifications and no plugin.

    Args:
        kinds: The contracts of all kinds.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for name, contract in kinds.items():
        if name not in KINDS:
            add_kind(manager, contract)
    return manager


def add_kind(manager: pluggy.PluginManager, contract: type[PluginBase]) -> None:
    """Let a manager know the hook of a new kind."""
    hook = staticmethod(kind_hook(contract))
    manager.add_hookspecs(type("Hooks", (), {contract.describes.hook: hook}))


def hook_fault(plugin: object, key: str, kinds: Mapping[str, type[PluginBase]]) -> str | None:
    """Say why a plugin's hooks cannot be registered, or None.

    Args:
        plugin: What the entry point names.
        key: The name under which pluggy is to know it.
        kinds: The contracts of all kinds.

    Raises:
        pluggy.PluginValidationError: If pluggy finds more to refuse than we do.
    """
    if not isinstance(plugin, ModuleType):
        return f"expected a module, got {shown(plugin)}; let the entry point name the module alone"
    trial = new_manager(kinds)
    ours = [name for name in vars(hookspecs) if name.startswith("adversity_")]
    specs = list(dict.fromkeys([*ours, *(cls.describes.hook for cls in kinds.values())]))
    marked = [name for name in specs if trial.parse_hookimpl_opts(plugin, name)]
    for name in marked:
        if extra := _extra_arguments(plugin, name):
            offered = ", ".join(_given(name)) or "none"
            return (
                f"{name} takes the argument {extra}, which its hook does not give: {offered}; "
                "take only what it gives"
            )
    trial.register(plugin, name=key)
    callers = trial.get_hookcallers(plugin) or []
    fault = _caller_fault(callers, specs) or _unmarked(plugin, specs, marked)
    if fault or callers:
        return fault
    return (
        "has no function marked @hookimpl, so it offers nothing; write one such as "
        f"{specs[0]}() that returns your classes"
    )


def _caller_fault(callers: Iterable[pluggy.HookCaller], specs: list[str]) -> str | None:
    """Say which hook is misspelt or does what no plugin may, or None."""
    for caller in callers:
        optional = all(impl.optionalhook for impl in caller.get_hookimpls())
        if not caller.has_spec() and not optional:
            return f"unknown hook {visible(caller.name)}{_suggest(caller.name, specs)}"
        if any(impl.wrapper or impl.hookwrapper for impl in caller.get_hookimpls()):
            return f"hook {caller.name} is a wrapper; plugins add, they do not wrap others"
    return None


def _unmarked(plugin: object, specs: list[str], marked: list[str]) -> str | None:
    """Say which function has a hook's name and no mark, or None."""
    for name in specs:
        if name not in marked and callable(getattr(plugin, name, None)):
            return f"{name} is not marked; write @hookimpl above it"
    return None


def _given(name: str) -> list[str]:
    """Return the arguments that a hook gives; that of a kind gives none."""
    ours = getattr(hookspecs, name, None)
    return [] if ours is None else list(inspect.signature(ours).parameters)


def _extra_arguments(plugin: object, name: str) -> str:
    known, taken = _given(name), inspect.signature(getattr(plugin, name)).parameters
    return ", ".join(extra for extra in taken if extra not in known)


def _suggest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    otherwise = f"there are {', '.join(names)}"
    return f"; {did_you_mean(name, names, otherwise)}"
