"""Judge what a plugin class says of itself: are its claims of the type the contract promises?

The contracts' own annotations are the rule, so a new claim is checked as soon as it is
written there. Whether a claim is *true* is the conformance kit's to find out.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import lru_cache
from inspect import get_annotations, isabstract
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from adversity.contracts.plugin import SNAKE_CASE
from adversity.did_you_mean import did_you_mean
from adversity.registry.plain_fields import is_plain
from adversity.registry.quoting import error_text, shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.contracts import PluginBase

__all__ = [
    "alias_faults",
    "claim_faults",
    "contract_of",
    "field_faults",
    "is_contract",
    "licence_faults",
]

_RESERVED = ("parameters", "fingerprint", "summary")
"""What the core alone says of a plugin; results are filed under it."""
_NOT_CLAIMED = frozenset({"describes", "kind", "makes", "api", "model_config"})
_CONFIG = {"frozen": True, "extra": "forbid", "allow_inf_nan": False}


def claim_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield what is wrong with the class variables of a plugin class."""
    shapes = (cast("Any", base) for base in cls.__mro__ if is_contract(base))
    expected = next(shape.makes for shape in shapes if hasattr(shape, "makes"))
    if cls.makes != expected:
        yield f"expected makes {expected!r}, got {shown(cls.makes)}; leave it to the contract"
    for name, hint in _promised(cls).items():
        value = getattr(cls, name)
        if fault := _type_fault(hint, value):
            yield f"expected {name}: {_written(hint)}, got {shown(value)}{fault}"
    yield from licence_faults(cls)
    yield from _value_faults(cls)
    yield from map(visible, contract_of(cls).claim_faults(cls))


def field_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield what is wrong with the parameters and the configuration of a plugin class."""
    contracts = [base for base in cls.__mro__ if is_contract(base)]
    for name in cls.model_fields:
        taken = [base for base in contracts if name not in getattr(base, "model_fields", {})]
        if any(hasattr(base, name) for base in taken):
            yield (
                f"parameter {name} hides what the contract calls {name}; write "
                f"{name}: ClassVar[...] if you claim it, or give the parameter another name"
            )
    for name in _RESERVED:
        home = next(base for base in cls.__mro__ if name in vars(base))
        if not is_contract(home):
            yield f"{name} belongs to the core, which files results under it; rename yours"
    for key, expected in _CONFIG.items():
        got = cls.model_config.get(key)
        if got != expected:
            yield f"expected model_config {key}={expected!r}, got {shown(got)}; leave it out"
    yield from alias_faults(cls)
    yield from _schema_faults(cls)


def alias_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield which parameters have two names: files, results and the kit know one."""
    for name, field in cls.model_fields.items():
        aliases = (field.alias, field.validation_alias, field.serialization_alias)
        other = next((alias for alias in aliases if alias not in (None, name)), None)
        if other is not None:
            yield (
                f"parameter {name} has the alias {shown(other)}, and a parameter has one name in "
                f"pipelines, results and code; leave the alias out (`lambda` is written lambda_)"
            )
            return
    if not _may_hold_aliases(cls):
        return
    for mode in ("validation", "serialization"):
        with suppress(Exception):  # types without a schema are refused as such
            if cls.model_json_schema(mode=mode) != cls.model_json_schema(by_alias=False, mode=mode):
                yield (
                    "a model inside the parameters has aliases, and a parameter has one name in "
                    "pipelines, results and code; leave them out"
                )
                return


def _may_hold_aliases(cls: type[PluginBase]) -> bool:
    """Say whether pydantic's schema of a class speaks of an alias, of a model inside it, too.

    Four JSON schemas are the proof, and took most of the time in which plugins are looked at.
    """
    with suppress(Exception):  # the text of a stranger's default may be anything
        cls.model_rebuild()  # before, a name that was defined further down has no schema
        return "alias" in repr(cls.__pydantic_core_schema__)
    return True


def contract_of(cls: type[PluginBase]) -> type[PluginBase]:
    """Return the contract of a plugin's kind: the class in its line that describes the kind."""
    return next(base for base in cls.__mro__ if "describes" in vars(base))


def is_contract(cls: type) -> bool:
    """Say whether a class is a contract: one of ours, or of a kind that others bring.

    The shapes of a kind are abstract classes in the file of its contract.
    """
    if cls.__module__.startswith("adversity.contracts."):
        return True
    if not hasattr(cls, "describes") or not isabstract(cls):
        return False
    return contract_of(cls).__module__ == cls.__module__


def _schema_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield why the parameters cannot be written as JSON Schema, which editors and `with:` use."""
    try:
        cls.model_rebuild()
        if not is_plain(cls):
            cls.model_json_schema()
    except Exception as error:  # noqa: BLE001  (pydantic raises many kinds, authors' types more)
        yield (
            "expected parameters of types that JSON can hold, got "
            f"{error_text(error)}; use numbers, text, booleans, tuples or Literal"
        )


def licence_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield licences that say nothing: `licences.deny` of a pipeline would let them pass."""
    for name in ("licence", "weights_licence"):
        licence = getattr(cls, name)
        if isinstance(licence, str) and not licence.strip():
            yield (
                f"expected {name} to name a licence, got {shown(licence)}; write its SPDX id, "
                "LicenseRef-... for one of your own, or leave it out if it is unknown"
            )


def _value_faults(cls: type[PluginBase]) -> Iterator[str]:
    """Yield values of the right type that can mean nothing."""
    for name in ("block_rows", "scale", "smallest"):
        value = getattr(cls, name, None)
        if isinstance(value, int) and value < 1:
            yield f"expected {name} of 1 or more, got {value}; leave it out for the default"
    needed, may = getattr(cls, "fit_sources", ("train",)), getattr(cls, "may_take", ())
    names = (*needed, *may)
    if not needed or len(set(names)) < len(names) or not all(map(SNAKE_CASE.fullmatch, names)):
        yield (
            "expected fit_sources and may_take to name the sources of a fit, one or more and each "
            f"once, in snake_case such as train, got {needed} and {may}"
        )
    counts = cls.image_channels
    if counts is not None and not (counts and min(counts) >= 1):
        yield (
            f"expected image_channels with numbers of 1 or more, got {counts}; leave it out for "
            "grey and colour, or write None for any number"
        )


def _type_fault(hint: Any, value: Any) -> str | None:
    """Return what to do about a value that is not of the type, or None if it is."""
    try:
        _adapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        if get_origin(hint) is Literal:
            return f"; {did_you_mean(value, get_args(hint), 'choose one')}"
        first = error.errors(include_url=False)[0]
        place = "".join(f"[{part!r}]" for part in first["loc"] if part != "[key]")
        return f"; correct it: {place}{': ' if place else ''}{visible(first['msg'])}"
    return None


@lru_cache(maxsize=64)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _promised(cls: type[PluginBase]) -> dict[str, Any]:
    """Return the type of every claim; the contract nearest to the class decides."""
    promised: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if is_contract(base):
            promised |= _claims_of(base)
    return promised


@lru_cache(maxsize=64)
def _claims_of(base: type) -> dict[str, Any]:
    """Return the ClassVars that one contract declares, with what is inside `ClassVar[...]`."""
    texts = {
        name: text
        for name, text in get_annotations(base).items()
        if "ClassVar" in str(text) and name not in _NOT_CLAIMED
    }
    # A bare class: the hints of a pydantic model cannot be read one by one.
    bare = type("Bare", (), {"__annotations__": texts, "__module__": base.__module__})
    hints = get_type_hints(bare, vars(sys.modules[base.__module__]))
    return {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is ClassVar}


def _written(hint: Any) -> str:
    return (
        hint.__name__
        if isinstance(hint, type) and not get_args(hint)
        else (str(hint).replace("typing.", "").replace("collections.abc.", ""))
    )
