"""A plugin as a parameter of another plugin: `degradation: Plugin["degradation"]`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args, get_origin

from pydantic_core import PydanticCustomError, core_schema

from adversity.contracts.plugin import KINDS, PluginBase
from adversity.distributions import distribution_of
from adversity.errors import InputError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = [
    "NESTED_ERROR",
    "NESTED_KEY",
    "NestedFault",
    "Plugin",
    "Resolver",
    "nested_fields",
    "nested_in",
    "resolving",
]

K = TypeVar("K")

NESTED_ERROR = "nested_plugin"
"""The type of pydantic's error where the plugin in a parameter is wrong; `faults` in its context
says what is wrong where."""
NESTED_KEY = "x-adversity-plugin"
"""The key of the JSON schema that says of which kind the plugin of a parameter is."""

Path = tuple[str | int, ...]


class NestedFault(ValueError):  # noqa: N818  (it never leaves the reading of a parameter)
    """What is wrong with `{uses, with}`: messages by where they stand in it."""

    def __init__(self, faults: Mapping[Path, str]) -> None:
        """Take the messages."""
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)


class Plugin(Generic[K]):
    """Another plugin as the value of a parameter, made ready to run by the core.

    Write `degradation: Plugin["degradation"]` or, which type checkers understand as well,
    `degradation: Plugin[Degradation]`; `| None` and `tuple[Plugin[...], ...]` work too. Users
    give `{uses: gaussian_noise, with: {severity: 3}}`, the bare name where there are no
    parameters, or an object from `adversity.create`.

    In the methods of the outer plugin it is callable: what it gives has passed every check of
    its own kind. A degradation is `self.degradation(images, rng)`, a classifier
    `self.network.logits(images)` and `.features(images)`; `.answers(images)` is logits, or log p,
    with the gradient of whatever requires one, and `.networks()` the networks that it keeps. It
    enters equality, hashing, pickling and the fingerprint of the outer plugin with its kind, name,
    distribution and parameters.

    Attributes:
        plugin: The plugin with its parameters, for its claims; call this object, not that one.
        distribution: Who brings it.
        version: The distribution's version.
        step: The step of the pipeline whose plugin it is, or None.
        given: What `adversity.create` had made ready, or None.
    """

    __slots__ = ("_bound", "_open", "distribution", "given", "plugin", "step", "version")
    learns: ClassVar[bool] = False

    if not TYPE_CHECKING:

        def __class_getitem__(cls, kind: Any) -> Any:
            """Accept the kind's name in the place of its contract."""
            if isinstance(kind, str):
                if kind not in KINDS:
                    raise TypeError(f"Plugin[{kind!r}]: expected a kind, {', '.join(KINDS)}")
                kind = KINDS[kind]
            return super().__class_getitem__(kind)

    def __init__(
        self,
        plugin: K,
        distribution: str,
        version: str,
        *,
        step: str | None = None,
        given: Any = None,
    ) -> None:
        """Take a plugin with its parameters; nothing is set up."""
        self.plugin, self.distribution, self.version = plugin, distribution, version
        self.step, self.given = step, given
        self._open: Callable[[Plugin[Any]], Any] | None = None
        self._bound: Any = None

    @property
    def uses(self) -> str:
        """Kind, distribution and name: `degradation/adversity:gaussian_noise`."""
        inner: Any = self.plugin
        return f"{inner.kind}/{self.distribution}:{inner.name}"

    @property
    def label(self) -> str:
        """Return what messages call it: `degradation "gaussian_noise" (adversity 0.1.0)`."""
        inner: Any = self.plugin
        # A class of no distribution, such as one of a script, is named by its module.
        origin = f"{self.distribution} {self.version}".strip() or type(inner).__module__
        return f'{inner.kind} "{inner.name}" ({origin})'

    @property
    def spelt(self) -> dict[str, Any]:
        """What it is, as JSON values: the part of the outer plugin's parameters."""
        inner: Any = self.plugin
        record = {"uses": self.uses, "with": inner.parameters}
        return record if self.step is None else {**record, "step": self.step}

    def varied(self, **changes: Any) -> Plugin[K]:
        """Return the same plugin with other parameters, as ready as this one.

        Raises:
            pydantic.ValidationError: If it refuses them.
        """
        inner: Any = self.plugin
        other = type(self)(inner.with_parameters(**changes), self.distribution, self.version)
        other._open = self._open
        return other

    @classmethod
    def taken(cls, nested: Plugin[Any]) -> Plugin[Any]:
        """Return what was read as the value of such a field; a `NestedFault` says what is wrong."""
        return nested

    def unbound(self) -> Plugin[K]:
        """Return the same, made ready by nobody yet."""
        more = {"step": self.step, "given": self.given}
        return type(self)(self.plugin, self.distribution, self.version, **more)

    def bind(self, opener: Callable[[Plugin[Any]], Any]) -> None:
        """Say how it is made ready; the core does this before the outer plugin's `setup`."""
        self._open, self._bound = opener, None

    @property
    def is_ready(self) -> bool:
        """Whether it was made ready."""
        return self._bound is not None

    def ready(self) -> Any:
        """Return the plugin's final call, made ready on first use.

        Raises:
            InputError: If no core is there to make it ready.
        """
        if self._bound is None:
            if self._open is None:
                raise InputError(
                    f"{self.label} is not ready to run: make the plugin around it with "
                    "adversity.create(...) or in a pipeline"
                )
            self._bound = self._open(self)
        return self._bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it as its kind is called: a degradation with images and rng."""
        return self.ready()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Reach what else its kind offers: `logits`, `features`, `perturb`."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.ready(), name)

    def __eq__(self, other: object) -> bool:
        """Compare kind, name, distribution and parameters."""
        return isinstance(other, Plugin) and self.spelt == other.spelt

    def __hash__(self) -> int:
        """Hash what `__eq__` compares."""
        return hash(json.dumps(self.spelt, sort_keys=True))

    def __repr__(self) -> str:
        """Show the plugin with its parameters."""
        return f"{self.label} {self.spelt['with']}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is; the receiver makes it ready."""
        return _revived, (type(self), self.plugin, self.distribution, self.version, self.step)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read `{uses, with}`; write it as JSON, and keep the object elsewhere."""
        contract = (get_args(source) or (PluginBase,))[0]
        return core_schema.no_info_plain_validator_function(
            partial(_read, cls, contract),
            metadata={"contract": contract},
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda nested: nested.spelt, when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe what may be written; `adversity schema` adds the plugins that are installed."""
        metadata: dict[str, Any] = schema.get("metadata") or {}
        parts = {"uses": {"type": "string"}, "with": {"type": "object"}}
        written = {"type": "object", "properties": parts, "required": ["uses"]}
        return {
            NESTED_KEY: metadata["contract"].kind,
            "anyOf": [{"type": "string"}, written | {"additionalProperties": False}],
        }


Resolver = Callable[[str, Any, bool], Plugin[Any]]
"""From the kind, what the user wrote, and whether the outer plugin fits it; raises `NestedFault`."""

_resolver: ContextVar[Resolver | None] = ContextVar("resolver", default=None)


@contextmanager
def resolving(resolver: Resolver) -> Iterator[None]:
    """Let `{uses, with}` be read by this resolver wherever a plugin is made meanwhile."""
    token = _resolver.set(resolver)
    try:
        yield
    finally:
        _resolver.reset(token)


def nested_fields(cls: type[PluginBase]) -> tuple[str, ...]:
    """Return the names of the parameters that hold plugins."""
    return tuple(name for name, field in cls.model_fields.items() if _holds(field.annotation))


def nested_in(plugin: PluginBase) -> Iterator[Plugin[Any]]:
    """Yield the plugins in a plugin's parameters, not those in theirs."""
    for name in nested_fields(type(plugin)):
        value = getattr(plugin, name)
        values = value if isinstance(value, tuple | list) else (value,)
        yield from (item for item in values if isinstance(item, Plugin))


def _holds(annotation: Any) -> bool:
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Plugin):
        return True
    return any(_holds(part) for part in get_args(annotation))


def _revived(cls: Any, plugin: Any, distribution: str, version: str, step: Any) -> Plugin[Any]:
    return cls(plugin, distribution, version, step=step)  # type: ignore[no-any-return]


def _read(cls: type[Plugin[Any]], contract: type[PluginBase], value: Any) -> Plugin[Any]:
    """Return the plugin that a parameter's value means."""
    try:
        nested = cls.taken(_known(value) or _resolved(contract, value, cls.learns))
    except NestedFault as fault:
        context = {"text": str(fault), "faults": fault.faults}
        raise PydanticCustomError(NESTED_ERROR, "{text}", context) from None
    if not isinstance(nested.plugin, contract):
        expected, got = contract.__name__, f"{nested.plugin.kind}/{nested.plugin.name}"
        text = f"expected a plugin that is a {expected}, got {got}; name another"
        raise PydanticCustomError(NESTED_ERROR, "{text}", {"text": text, "faults": {(): text}})
    return nested


def _known(value: Any) -> Plugin[Any] | None:
    """Return what is a plugin already, as an object of its own: each outer plugin binds its own."""
    if isinstance(value, Plugin):
        return value.unbound()
    ready = getattr(value, "ready", None)
    plugin = value if isinstance(value, PluginBase) else getattr(ready, "plugin", None)
    if not isinstance(plugin, PluginBase):
        return None
    origin = distribution_of(type(plugin).__module__) or ("", "")
    return Plugin(plugin, *origin, given=value if ready is not None else None)


def _resolved(contract: type[PluginBase], value: Any, learns: bool) -> Plugin[Any]:  # noqa: FBT001
    resolver = _resolver.get()
    if resolver is None:
        text = "can be looked up by the core alone: use adversity.create(...), or give the plugin"
        raise NestedFault({(): f"{value!r} {text} itself"})
    return resolver(contract.kind, value, learns)
