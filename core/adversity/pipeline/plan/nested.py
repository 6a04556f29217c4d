"""Resolving plugins that stand in the parameters of plugins: `{uses, with}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.contracts import Fitted
from adversity.contracts.nested import NestedFault, Plugin, nested_fields, nested_in
from adversity.errors import UnknownPluginError
from adversity.registry.project_plugins import entry_of, kind_and_name

if TYPE_CHECKING:
    from adversity.contracts import PluginBase
    from adversity.contracts.nested import Resolver
    from adversity.pipeline.read.findings import KeyPath
    from adversity.pipeline.read.spec import StepSpec
    from adversity.registry import Entry, Registry

__all__ = ["StepOf", "all_nested", "from_registry", "named_steps", "resolver"]

LookUp = Callable[[str, str], tuple["Entry | None", list[str]]]
"""From kind and name to the plugin, and what is wrong with it."""
StepOf = Callable[[str], "Plugin[Any] | str | None"]
"""From `uses` to the plugin of a step of that name, to why it cannot be used, or to None."""
Attempt = Callable[["Entry", Mapping[str, Any]], "tuple[PluginBase | None, Mapping[KeyPath, str]]"]


def resolver(
    look_up: LookUp,
    attempt: Attempt,
    *,
    step_of: StepOf | None = None,
    unfitted: bool = False,
) -> Resolver:
    """Return what reads `{uses, with}`.

    Args:
        look_up: Finds a plugin.
        attempt: Builds it.
        step_of: Finds the plugin of a step.
        unfitted: Whether a plugin that must be fitted is taken as it is; the caller fits it.
    """

    def resolve(kind: str, value: Any, learns: bool) -> Plugin[Any]:  # noqa: FBT001
        uses, parameters = _uses_and_with(value)
        named = step_of(uses) if step_of is not None else None
        if isinstance(named, str):
            raise NestedFault({("uses",): named})
        if named is not None:
            if parameters:
                raise NestedFault({("with",): f"with: belongs to the step; write it under {uses}"})
            return named
        entry, faults = look_up(*_split(kind, uses))
        if entry is None or faults:
            raise NestedFault({("uses",): "; ".join(faults)})
        plugin, wrong = attempt(entry, parameters)
        if plugin is None:
            raise NestedFault({("with", *key): fault for key, fault in wrong.items()})
        if isinstance(plugin, Fitted) and not (unfitted or learns):
            raise NestedFault({("uses",): _must_be_fitted(kind, entry)})
        return Plugin(plugin, entry.distribution, entry.version)

    return resolve


def from_registry(registry: Registry, root: Path | None = None) -> LookUp:
    """Return the look-up where no pipeline has rules of its own.

    Args:
        registry: Where plugins are found.
        root: The project, for plugins that live in it; the current folder by default.
    """

    def look_up(kind: str, name: str) -> tuple[Entry | None, list[str]]:
        try:
            return entry_of(kind, name, registry=registry, root=root or Path.cwd()), []
        except UnknownPluginError as error:
            return None, [str(error)]

    return look_up


def _uses_and_with(value: Any) -> tuple[str, Mapping[str, Any]]:
    """Return what `{uses, with}` or a bare name says.

    Raises:
        NestedFault: If it is neither.
    """
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, Mapping):
        raise NestedFault({(): f"expected {{uses: NAME, with: {{...}}}}, got {value!r}"})
    unknown = [str(key) for key in value if key not in ("uses", "with")]
    if unknown:
        raise NestedFault(
            {(unknown[0],): f"unknown key {unknown[0]}; beside uses: there is with: alone"}
        )
    uses, parameters = value.get("uses"), value.get("with")
    if not isinstance(uses, str) or not uses:
        raise NestedFault({("uses",): f"expected uses: the name of a plugin, got {uses!r}"})
    if parameters is not None and not isinstance(parameters, Mapping):
        raise NestedFault({("with",): f"expected with: parameters by name, got {parameters!r}"})
    return uses, parameters or {}


def _split(kind: str, uses: str) -> tuple[str, str]:
    """Return kind and name of `name`, `dist:name` or `kind/name`; the kind must be the expected one."""
    given, name = kind_and_name(uses) if "/" in uses else (kind, uses)
    if given not in (kind, None):
        raise NestedFault({("uses",): f"expected a {kind} plugin, and {uses} is of kind {given}"})
    return kind, name


def _must_be_fitted(kind: str, entry: Entry) -> str:
    return (
        f"{kind}/{entry.name} must be fitted first; in a pipeline give it a step with fit_on: "
        "and name that step here (uses: STEP), in Python fit it and give the fitted object"
    )


def all_nested(plugin: PluginBase) -> Iterator[Plugin[Any]]:
    """Yield the plugins in a plugin's parameters, and those in theirs."""
    for nested in nested_in(plugin):
        yield nested
        yield from all_nested(nested.plugin)


def named_steps(
    cls: type[PluginBase], parameters: Mapping[str, Any], steps: Mapping[str, StepSpec]
) -> tuple[str, ...]:
    """Return the definitions that stand for plugins in the parameters, each once.

    A bare name means the step first: `uses: net`. A step that has `from:` defines nothing.
    """
    texts = (text for name in nested_fields(cls) for text in _named(parameters.get(name)))
    return tuple(dict.fromkeys(text for text in texts if text in steps and not steps[text].source))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _named(value.get("uses"))
        inner = value.get("with")
        for item in inner.values() if isinstance(inner, Mapping) else ():
            if isinstance(item, Mapping) and "uses" in item:
                yield from _named(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)
