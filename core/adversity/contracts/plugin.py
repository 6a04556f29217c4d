"""What every plugin is: a class whose fields are its parameters.

Contracts hold promises only. The checks stand in the engine, which calls a plugin's one
method and distrusts the answer.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from inspect import get_annotations
from types import MappingProxyType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from adversity.contracts.asset import Asset
from adversity.contracts.kind import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = [
    "API_VERSION",
    "KINDS",
    "OLDEST_API",
    "SNAKE_CASE",
    "PluginBase",
    "parse_fraction",
    "takes_text",
]

API_VERSION = 1
"""Raised by one when a contract changes so that older plugins break."""
OLDEST_API = 1
"""The oldest contract whose plugins still run."""

_kinds: dict[str, type[PluginBase]] = {}
KINDS: Mapping[str, type[PluginBase]] = MappingProxyType(_kinds)
"""The contract of each kind of our own by its name, filled as contract files are imported; what
others bring is in `Registry.kinds`."""

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""How a plugin's name is written."""
_FRACTION = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*/\s*\d+(\.\d+)?\s*")


def parse_fraction(text: str) -> float | None:
    """Read a fraction such as `8/255` as a number; None if the text is not one.

    Example:
        >>> parse_fraction("8/255")
        0.03137254901960784
    """
    if not _FRACTION.fullmatch(text):
        return None
    top, bottom = (Fraction(part.strip()) for part in text.split("/"))
    return None if bottom == 0 else float(top / bottom)


class PluginBase(BaseModel):
    """A plugin: fields are parameters, ClassVars are claims, methods are the mathematics.

    State (weights, kernels) is set in `setup` on underscore attributes. Equality, hashing
    and pickling use the parameters only. Importing a plugin must not import torch.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    describes: ClassVar[Kind]
    """The kind, set by its contract and by nobody else."""
    kind: ClassVar[str]
    """The kind's name, from `describes`."""
    makes: ClassVar[str]
    """What its steps make, from `describes` or the shape of its contract: the engine looks at this,
    never at the kind's name."""
    api: ClassVar[int] = API_VERSION
    """The contract's version the plugin was written for."""
    name: ClassVar[str] = ""
    """The field's standard term in snake_case."""
    reference: ClassVar[str] = ""
    """Authors, title, year of the method."""
    licence: ClassVar[str | None] = None
    """The licence of the code, an SPDX id; None: what the distribution's metadata state."""
    weights_licence: ClassVar[str | None] = None
    """The licence of the weights, where there are any."""
    assets: ClassVar[tuple[Asset, ...]] = ()
    """What it needs out of packages that are no dependencies; `adversity assets` fetches them."""
    differentiable: ClassVar[bool] = False
    """Gradients of the output with respect to the images are right."""
    stochastic: ClassVar[bool] = False
    """The same input gives other outputs under other seeds."""
    block_rows: ClassVar[int] = 16
    """The engine calls the method with exactly this many rows, the last block padded."""
    image_channels: ClassVar[tuple[int, ...] | None] = None
    """How many channels the images that it sees, or gives, may have; None: any number, or no images."""
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Parameters that the conformance kit tries in turn; if none, those that the kind suggests."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the kit that cannot pass, each with the reason; the catalogue shows them."""
    heavy: ClassVar[str] = ""
    """Why the conformance kit takes long with it, if it does: a suite can try such plugins apart."""

    __test__ = False  # pytest: a plugin's class called Test... holds no tests

    _device: str = PrivateAttr(default="cpu")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Take kind and product from the description, if the class is a contract and has one.

        A default that is infinite ("no limit") is not validated: what users give is finite.
        """
        super().__pydantic_init_subclass__(**kwargs)
        unlimited = [field for field in cls.model_fields.values() if _is_infinite(field.default)]
        for field in unlimited:
            field.validate_default = False
        if unlimited:
            cls.model_rebuild(force=True, raise_errors=False)
        if "describes" in vars(cls):
            cls.kind, cls.makes = cls.describes.name, cls.describes.makes
            if cls.__module__.startswith("adversity.contracts."):
                _kinds[cls.kind] = cls
        if cls.__module__.startswith("adversity.contracts."):
            _resolve_claims(cls)

    @model_validator(mode="before")
    @classmethod
    def _fractions_are_numbers(cls, values: Any) -> Any:
        """Turn `"8/255"` into a number wherever the field does not take text."""
        if not isinstance(values, dict):
            return values
        return {key: cls._number(key, value) for key, value in values.items()}

    @classmethod
    def _number(cls, key: str, value: Any) -> Any:
        field = cls.model_fields.get(key)
        return value if field is None else _as_number(value, field.annotation)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Write a default without a limit as a word, for JSON has no infinity."""
        resolved = handler.resolve_ref_schema(handler(schema))
        for part in resolved.get("properties", {}).values():
            if "default" in part:
                part["default"] = _finite(part["default"])
        return resolved

    @staticmethod
    def claim_faults(plugin: Any) -> Iterator[str]:
        """Yield what is wrong with the claims of a class of this kind; the contract's to say."""
        yield from ()

    @classmethod
    def summary(cls) -> str:
        """Return the first docstring line, which users read in the catalogue."""
        return (cls.__doc__ or "").strip().split("\n", 1)[0]

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the small files that `examples` name; the kit tries the plugin in that folder."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON values, defaults included; one without a limit is `inf`."""
        parameters: dict[str, Any] = _finite(self.model_dump(mode="json"))
        return parameters

    @property
    def fingerprint(self) -> str:
        """SHA-256 of kind, name and canonical parameters."""
        record = {"kind": self.kind, "name": self.name, "with": self.parameters}
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return `image_channels`, or fewer where parameters ask for grey or colour."""
        return self.image_channels

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return which of `assets` are needed with these parameters; the default is all."""
        return self.assets

    def with_parameters(self, **changes: Any) -> Self:
        """Return a new plugin with the same parameters but for `changes`; nothing is set up.

        Raises:
            pydantic.ValidationError: If it refuses them.
        """
        return type(self)(**{**self.model_dump(exclude_unset=True), **changes})

    def setup(self, device: str) -> None:
        """Load weights and build kernels on `device`; called once before `fit` or the method.

        Files of the project (`ProjectFile`) and plugins in the parameters are ready by then.
        """
        self._device = device

    def __eq__(self, other: object) -> bool:
        """Compare class and parameters, never loaded state."""
        if not isinstance(other, PluginBase):
            return NotImplemented
        return type(self) is type(other) and self.parameters == other.parameters

    def __hash__(self) -> int:
        """Hash what `__eq__` compares."""
        return hash((type(self), self.fingerprint))

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...]]:
        """Pickle the parameters only; the receiver calls `setup` itself."""
        return _rebuild, (type(self), self.model_dump(exclude_unset=True))


def _resolve_claims(contract: type[BaseModel]) -> None:
    """Put types in the place of a contract's texts of them, where no parameter is meant.

    pydantic resolves those of every base again for each class, a tenth of what importing
    200 plugins takes. What only type checkers know stays text.
    """
    claims = dict(get_annotations(contract))
    for name in contract.__class_vars__ & claims.keys():
        with suppress(NameError):
            claims[name] = eval(claims[name], vars(sys.modules[contract.__module__]))
    contract.__annotations__ = claims


_resolve_claims(PluginBase)


def _as_number(value: Any, annotation: Any) -> Any:
    """Read a fraction where the type takes no text, in lists too; leave all else."""
    if isinstance(value, list | tuple):
        inner = next((part for part in get_args(annotation) if part is not Ellipsis), None)
        if get_origin(annotation) not in (list, tuple) or inner is None:
            return value
        return [_as_number(item, inner) for item in value]
    if isinstance(value, bool) and _is_number(annotation):
        return str(value).lower()  # what the file says: it is refused as text, not read as 1
    if not isinstance(value, str) or takes_text(annotation):
        return value
    number = parse_fraction(value)
    return value if number is None else number


def _is_number(annotation: Any) -> bool:
    """Say whether a parameter of this type is a number, or none at all."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return all(part is type(None) or _is_number(part) for part in get_args(annotation))
    if origin is Annotated:
        return _is_number(get_args(annotation)[0])
    return annotation in (int, float)


def takes_text(annotation: Any) -> bool:
    """Say whether a parameter of this type may be text, or a path, itself.

    Example:
        >>> takes_text(float | None), takes_text(str | float), takes_text(tuple[str, ...])
        (False, True, False)
    """
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return any(map(takes_text, get_args(annotation)))
    if origin is Annotated:
        return takes_text(get_args(annotation)[0])
    return isinstance(annotation, type) and issubclass(annotation, str | os.PathLike)


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and math.isinf(value)


def _finite(value: Any) -> Any:
    """Write infinities in JSON values as `inf` and `-inf`."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return str(value) if _is_infinite(value) else value


def _rebuild(cls: type[PluginBase], parameters: dict[str, Any]) -> Any:
    return cls(**parameters)
