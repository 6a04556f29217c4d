"""Judge what a hook returned: is it a plugin class of this kind that can be used?

Only what can be seen without running the plugin; how it behaves is the conformance kit's.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from adversity.contracts import API_VERSION, KINDS, PluginBase
from adversity.hookspecs import KIND_HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["class_fault", "object_fault", "version_fault"]

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def object_fault(item: object, kind: str) -> str | None:
    """Say why an object cannot be listed as a plugin of a kind at all, or None.

    Args:
        item: What the hook returned.
        kind: The kind the hook stands for.
    """
    wanted = f"expected a subclass of {KINDS[kind].__name__}"
    if isinstance(item, PluginBase):
        return f"{wanted}, got an instance of {type(item).__name__}; return the class itself"
    if not isinstance(item, type):
        return f"{wanted}, got {_shown(item)}"
    if not issubclass(item, PluginBase):
        return f"{wanted}, got class {item.__name__}, which does not inherit from it"
    if not issubclass(item, KINDS[kind]) or item.kind != kind:
        return f"{wanted}, got {item.__name__}, {_home(item)}"
    if not isinstance(item.name, str) or not item.name:
        return (
            f"class {item.__name__} has no name; write "
            f'name: ClassVar[str] = "..." in it, the field\'s term in snake_case'
        )
    return None


def version_fault(cls: type[PluginBase], distribution: str) -> str | None:
    """Say why a plugin was written for another version of the contracts, or None."""
    if cls.api == API_VERSION:
        return None
    remedy = "upgrade adversity" if _newer(cls.api) else f"upgrade {distribution}"
    return f"expected contract version {API_VERSION}, got a plugin written for {cls.api}; {remedy}"


def class_fault(cls: type[PluginBase]) -> str | None:
    """Say what is wrong with a plugin class that has kind, name and version, or None."""
    if not _SNAKE.fullmatch(cls.name):
        return f"expected a name in snake_case such as gaussian_noise, got {cls.name!r}"
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        return f"class {cls.__name__} does not define {missing}; write it"
    if not (cls.__dict__.get("__doc__") or "").strip():
        return f"class {cls.__name__} has no docstring; its first line is the catalogue's text"
    return next(_signature_faults(cls), None)


def _signature_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield methods that cannot take the arguments with which the core calls them."""
    for name, promise in _promised(cls).items():
        method = inspect.getattr_static(cls, name)
        if not inspect.isfunction(method):
            if not callable(method):
                yield f"{cls.__name__}.{name} must be a method, got {_shown(method)}"
            continue
        wanted = list(inspect.signature(promise).parameters.values())
        named = any(p.kind is p.VAR_KEYWORD for p in wanted)
        arguments = [p.name for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD]
        signature = inspect.signature(method)
        try:
            (signature.bind_partial if named else signature.bind)(*arguments)
        except TypeError as error:
            yield (
                f"{cls.__name__}.{name}{signature} cannot be called with "
                f"({', '.join(arguments)}): {error}"
            )


def _promised(cls: type[PluginBase]) -> Mapping[str, Any]:
    """Return the abstract functions of all contracts the class inherits from."""
    return {
        name: member
        for base in reversed(cls.__mro__)
        if base.__module__.startswith("adversity.contracts.")
        for name, member in vars(base).items()
        if inspect.isfunction(member) and getattr(member, "__isabstractmethod__", False)
    }


def _newer(api: object) -> bool:
    return isinstance(api, int) and api > API_VERSION


def _home(cls: type[PluginBase]) -> str:
    """Say where a class of another kind belongs."""
    kind = getattr(cls, "kind", None)
    hook = next((hook for hook, of in KIND_HOOKS.items() if of == kind), None)
    return f"a class of kind {kind!r}" + (f"; return it from {hook}" if hook else "")


def _shown(item: object) -> str:
    """Show a foreign object shortly; its own `repr` may fail."""
    try:
        text = repr(item)
    except Exception:  # noqa: BLE001  (a foreign repr must not hide the report)
        text = "an object whose repr fails"
    return f"{text[:60]} ({type(item).__name__})"
