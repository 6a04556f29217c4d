"""Judge what a distribution announces as a kind of plugins: can the house work with it?"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import ValidationError, create_model

from adversity import hookspecs
from adversity.contracts import PluginBase
from adversity.contracts.kind import Kind
from adversity.contracts.plugin import SNAKE_CASE
from adversity.registry.quoting import shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["kind_fault"]

_HOOK = re.compile(r"adversity_[a-z0-9_]+")
_PLACE = re.compile(r"[\w.]+:\w+")
_FIELDS: dict[str, Any] = {name: (hint, ...) for name, hint in get_type_hints(Kind).items()}
_TYPES = create_model("Types", **_FIELDS)


def kind_fault(item: object, known: Mapping[str, type[PluginBase]]) -> str | None:
    """Say why an object cannot be the contract of a new kind, or None.

    Args:
        item: What `adversity_kinds` returned.
        known: The contracts of the kinds there are.
    """
    if not isinstance(item, type) or not issubclass(item, PluginBase):
        return f"expected a contract, a class that inherits from PluginBase, got {shown(item)}"
    kind = vars(item).get("describes")
    if not isinstance(kind, Kind):
        return (
            f"expected {visible(item.__name__)} to describe its kind, got {shown(kind)}; write "
            "describes: ClassVar[Kind] = Kind(...)"
        )
    if not inspect.isabstract(item):
        return (
            f"expected {visible(item.__name__)} to promise a method; mark what its plugins write "
            "with @abstractmethod"
        )
    faults = chain(_type_faults(kind), _name_faults(kind, known), _step_faults(kind, known))
    fault = next(faults, None)
    return None if fault is None else f"kind {visible(str(kind.name))}: {fault}"


def _type_faults(kind: Kind) -> Iterator[str]:
    """Yield which part of a description is of another type than it says."""
    try:
        _TYPES.model_validate({f.name: getattr(kind, f.name) for f in fields(kind)}, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        yield f"{place}: {visible(first['msg'])}, got {shown(first['input'])}; correct it"


def _name_faults(kind: Kind, known: Mapping[str, type[PluginBase]]) -> Iterator[str]:
    if not SNAKE_CASE.fullmatch(str(kind.name)):
        yield "expected a name in snake_case such as certifier; rename it"
    if kind.name in known:
        yield f"there is a kind of this name, {known[kind.name].__module__}; rename yours"
    taken = {cls.describes.hook for cls in known.values()}
    if not _HOOK.fullmatch(str(kind.hook)):
        yield f"expected a hook such as adversity_certifiers, got {shown(kind.hook)}; rename it"
    elif kind.hook in taken or hasattr(hookspecs, kind.hook):
        yield f"there is a hook {kind.hook}; rename yours"
    places = {"call": "package.module:Class", "template": "package:folder"}
    for name in ("call", "public", "stage", "template"):
        place, like = getattr(kind, name), places.get(name, places["call"])
        if place and not _PLACE.fullmatch(str(place)):
            yield f"expected {name} as {like}, got {shown(place)}; correct it"


def _step_faults(kind: Kind, known: Mapping[str, type[PluginBase]]) -> Iterator[str]:
    """Yield what a kind that is used in steps lacks, and what one that is not has too much."""
    if kind.role is None:
        names = ("makes", "leaves", "takes", "against", "keys", "stage")
        given = [name for name in names if getattr(kind, name)]
        if given:
            yield (
                f"without a role it is never a step, and has no {' and '.join(given)}; name a "
                "role, or leave them out"
            )
        return
    needs = ("makes", "leaves", "takes", "stage")
    lacking = [name for name in needs if not getattr(kind, name)]
    if lacking:
        yield f"a step of role {visible(kind.role)} has {' and '.join(lacking)}; say what"
    others = [cls.describes for cls in known.values()]
    if kind.role in {"define", "report", *(other.role for other in others)}:
        yield f"role {visible(str(kind.role))} belongs to another kind; name one of its own"
    if kind.makes in {other.makes for other in others}:
        yield (
            f"another kind makes {visible(kind.makes)} in another way; call what yours makes "
            "something else"
        )
