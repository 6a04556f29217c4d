"""Which class of a file of the project is meant, and whether it can be told from the others."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from adversity.contracts import PluginBase
from adversity.did_you_mean import did_you_mean
from adversity.distributions import place_of
from adversity.errors import UnknownPluginError
from adversity.registry.claims import contract_of, is_contract

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["class_meant", "double_fault", "offered"]


def class_meant(
    module: ModuleType, place: str, wanted: str, kinds: Mapping[str, type[PluginBase]]
) -> type[PluginBase]:
    """Return the class that is meant.

    Args:
        module: The file, imported.
        place: The file, `./my_model.py`.
        wanted: The class or the plugin's own name; empty where the file defines one plugin.
        kinds: The contracts that it may have.

    Raises:
        UnknownPluginError: If there is no such class, or several may be meant.
    """
    own = _own(module)
    plugins = _plugins(own)
    names = offered(module)
    if wanted:
        return _named(module, place, wanted, own, plugins, kinds)
    if len(names) == 1:
        return plugins[names[0]]
    if names:
        ways = " or ".join(f"{place}:{name}" for name in names)
        raise UnknownPluginError(f"{place} defines {len(names)} plugins; write {ways}")
    if len(plugins) == 1:  # what it lacks is said of the class
        return next(iter(plugins.values()))
    raise UnknownPluginError(f"{place} defines no plugin; {_derive(kinds)}")


def offered(module: ModuleType) -> list[str]:
    """Return the plugins that a file offers, none that is private, each by its first name there.

    Abstract ones are for others to derive from; if there are no others, something is missing.
    """
    plugins = _plugins(_own(module))
    named: dict[type, str] = {}
    for name, cls in plugins.items():
        if not name.startswith("_"):
            named.setdefault(cls, name)
    public = [*named.values()]
    return [name for name in public if not inspect.isabstract(plugins[name])] or public


def double_fault(module: ModuleType, cls: type[PluginBase]) -> str | None:
    """Say which classes of a file have one kind and name: every key would take one for another."""
    same = {
        each: name
        for name, each in _plugins(_own(module)).items()
        if (contract_of(each), getattr(each, "name", None)) == (contract_of(cls), cls.name)
        and not inspect.isabstract(each)
    }
    if len(same) < 2:
        return None
    return (
        f"expected each plugin to have a name of its own, got {cls.kind} {cls.name!r} for "
        f"{' and '.join(same.values())}; rename all but one"
    )


def _own(module: ModuleType) -> dict[str, type]:
    """Return the classes that a file defines, by the names that they have in it."""
    return {
        name: item
        for name, item in vars(module).items()
        if isinstance(item, type) and item.__module__ == module.__name__
    }


def _plugins(own: Mapping[str, type]) -> dict[str, type[PluginBase]]:
    return {
        name: item
        for name, item in own.items()
        if issubclass(item, PluginBase) and hasattr(item, "describes")
    }


def _named(
    module: ModuleType,
    place: str,
    wanted: str,
    own: Mapping[str, type],
    plugins: Mapping[str, type[PluginBase]],
    kinds: Mapping[str, type[PluginBase]],
) -> type[PluginBase]:
    """Return the class of a name; the plugin's own name will do."""
    # One class may have several names in the file.
    called = [*{cls for cls in plugins.values() if getattr(cls, "name", None) == wanted}]
    if wanted in plugins or len(called) == 1:
        return plugins.get(wanted) or called[0]
    item: Any = getattr(module, wanted, None)
    if wanted in own:
        raise UnknownPluginError(
            f"{place}: class {wanted} is no plugin, it derives from "
            f"{' and '.join(base.__name__ for base in own[wanted].__bases__)}; {_derive(kinds)}"
        )
    if isinstance(item, type):
        home = place_of(item.__module__)
        way = f"write {home}:{item.__name__}" if home else "define a class of your own there"
        raise UnknownPluginError(f"{place} only imports {wanted}; {way}")
    if item is not None:
        raise UnknownPluginError(
            f"{place}: expected {wanted} to be a class, got {type(item).__name__}"
        )
    hint = did_you_mean(wanted, plugins, f"it defines {', '.join(plugins) or 'no plugin'}")
    raise UnknownPluginError(f"{place} has no class {wanted}; {hint}")


def _derive(kinds: Mapping[str, type[PluginBase]]) -> str:
    """Say from what a plugin derives where it is to stand."""
    names = [cls.__name__ for contract in kinds.values() for cls in _shapes(contract)]
    several = f"{', '.join(names[:-1])} or " if names[1:] else ""
    return f"derive a class from {several}{names[-1]} of `adversity`"


def _shapes(contract: type[PluginBase]) -> list[type[PluginBase]]:
    """Return what plugins of a kind derive from."""
    if inspect.isabstract(contract):
        return [contract]
    return [cls for cls in contract.__subclasses__() if is_contract(cls)]
