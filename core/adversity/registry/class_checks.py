"""Judge what a hook returned: is it a plugin class of this kind that can be used?

Only what can be seen without running the plugin; how it behaves is the conformance kit's.
What the class says of itself is judged by `claims`.
"""

from __future__ import annotations

import inspect
import sys
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from adversity.contracts import API_VERSION, PluginBase
from adversity.contracts.plugin import OLDEST_API, SNAKE_CASE
from adversity.registry.claims import claim_faults, contract_of, field_faults, is_contract
from adversity.registry.quoting import shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["class_fault", "object_fault", "version_fault"]


def object_fault(item: object, contract: type[PluginBase]) -> str | None:
    """Say why an object cannot be listed as a plugin of a kind at all, or None.

    Args:
        item: What the hook returned.
        contract: Of the kind that the hook stands for.
    """
    parent, kind = contract.__name__, contract.describes.name
    expected = f"expected a subclass of {parent}"
    if isinstance(item, PluginBase):
        return f"{expected}, got an instance of {_label(type(item))}; return the class itself"
    if not isinstance(item, type):
        return f"{expected}, got {shown(item)}; return the class itself"
    label = _label(item)
    if not issubclass(item, PluginBase):
        return f"{expected}, got class {label}, which does not inherit from it; write class {label}({parent})"
    if issubclass(item, contract) and (item.kind != kind or item.describes != contract.describes):
        return f"expected kind {kind!r}, got {shown(item.kind)}; leave kind to the contract"
    if not issubclass(item, contract):
        return f"{expected}, got {label}, {_home(item)}"
    # Not a subclass of str, whose methods could be anything: names are compared everywhere.
    if type(item.name) is not str or not item.name:
        return (
            f"class {label} has no name; write "
            f'name: ClassVar[str] = "..." in it, the field\'s term in snake_case'
        )
    return None


def version_fault(cls: type[PluginBase], distribution: str) -> str | None:
    """Say why a plugin was written for another version of the contracts, or None."""
    if type(cls.api) is not int:
        return (
            f"expected api {API_VERSION}, the contract's version as a whole number, got "
            f"{shown(cls.api)}; leave it out"
        )
    if OLDEST_API <= cls.api <= API_VERSION:
        return None
    remedy = "upgrade adversity" if cls.api > API_VERSION else f"upgrade {distribution}"
    known = " or ".join(dict.fromkeys((str(OLDEST_API), str(API_VERSION))))
    return f"expected contract version {known}, got a plugin written for {cls.api}; {remedy}"


def class_fault(cls: type[PluginBase]) -> str | None:
    """Say what is wrong with a plugin class that has kind, name and version, or None."""
    faults = chain(
        _identity_faults(cls), _shape_faults(cls), claim_faults(cls), field_faults(cls),
        _signature_faults(cls),
    )  # fmt: skip
    return next(faults, None)


def _identity_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield why users or results could not say which plugin this is."""
    if not SNAKE_CASE.fullmatch(cls.name):
        yield f"expected a name in snake_case such as gaussian_noise, got {shown(cls.name)}; rename it"
    stripped = sys.flags.optimize > 1  # `python -OO` has no docstrings
    if not stripped and not (cls.__dict__.get("__doc__") or "").strip():
        yield f"class {_label(cls)} has no docstring; write one, its first line is the catalogue's text"
    if not getattr(sys.modules.get(cls.__module__), "__file__", None):
        yield (
            f"expected a class from a file, got one of module {shown(cls.__module__)}; its source "
            "is part of every result, so define it in a file of the package"
        )


def _shape_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield which methods the class does not have."""
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        yield f"class {_label(cls)} does not define {missing}; write it"
    if not _promised(cls):
        contract = contract_of(cls)
        shapes = " or ".join(
            shape.__name__ for shape in contract.__subclasses__() if is_contract(shape)
        )
        yield (
            f"expected a subclass of {shapes}, got class {_label(cls)} of {contract.__name__} "
            "itself, which has no method; inherit from one of them"
        )


def _signature_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield methods that cannot take the arguments with which the core calls them."""
    for name, promise in _promised(cls).items():
        method = inspect.getattr_static(cls, name)
        if not inspect.isfunction(method):
            if not callable(method):
                yield f"{_label(cls)}.{name} must be a method, got {shown(method)}; write def {name}"
            continue
        promised = list(inspect.signature(promise).parameters.values())
        named = any(p.kind is p.VAR_KEYWORD for p in promised)
        arguments = [p.name for p in promised if p.kind is p.POSITIONAL_OR_KEYWORD]
        signature = inspect.signature(method)
        try:
            (signature.bind_partial if named else signature.bind)(*arguments)
        except TypeError as error:
            yield (
                f"{_label(cls)}.{name}{visible(str(signature))} cannot be called with "
                f"({', '.join(arguments)}): {error}; write def {name}({', '.join(arguments)})"
            )


def _promised(cls: type[PluginBase]) -> Mapping[str, Any]:
    """Return the abstract functions of all contracts the class inherits from."""
    contracts = filter(is_contract, reversed(cls.__mro__))
    return {name: function for base in contracts for name, function in _abstract(base).items()}


@lru_cache(maxsize=64)
def _abstract(contract: type) -> Mapping[str, Any]:
    return {
        name: member
        for name, member in vars(contract).items()
        if inspect.isfunction(member) and getattr(member, "__isabstractmethod__", False)
    }


def _label(cls: type) -> str:
    """Return a class's name; one made by `type(...)` may have any characters."""
    return visible(cls.__name__)


def _home(cls: type[PluginBase]) -> str:
    """Say where a class of another kind belongs."""
    described = getattr(cls, "describes", None)
    if described is None:
        return f"a class of kind {getattr(cls, 'kind', None)!r}"
    return f"a class of kind {cls.kind!r}; return it from {described.hook}"
