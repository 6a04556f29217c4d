"""Setting a plugin up: one way, for engine, Python, plugins in parameters, rounds and the kit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.contracts import Fitted, MetricBase, PluginBase, Score
from adversity.contracts.learner import Learner
from adversity.contracts.nested import Plugin, nested_in
from adversity.contracts.project_files import bind_files
from adversity.engine.calls.final_call import FinalCall
from adversity.engine.calls.learner_call import LearnerCall
from adversity.engine.calls.ready import BREAKS, Ready
from adversity.errors import AdversityError, NotFittedError, PluginError
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from adversity.contracts import State
    from adversity.engine.calls.ready import Prepared

__all__ = ["all_ready", "device_of", "set_up", "set_up_alike"]


def set_up(
    given: PluginBase,
    label: str,
    device: str,
    *,
    root: Path | None = None,
    prepared: Prepared | None = None,
    state: State | None = None,
) -> Ready:
    """Return a copy of a plugin, made ready in the one order that the contract promises.

    The files and plugins in its parameters are made ready, it is set up, and takes what fitting
    found. The same happens before it is fitted, but for the last.

    Args:
        given: The plugin with its parameters; it is left as it is.
        label: What messages call it.
        device: Where it computes.
        root: The project's folder; the current one if None.
        prepared: What is ready already of the plugins in its parameters.
        state: What fitting found.

    Raises:
        InputError: If it is a classifier of one class.
        NotFittedError: If a plugin in its parameters must be fitted and is not.
        PluginError: If it cannot be set up.
    """
    plugin: Any = given.with_parameters()
    ready = Ready(
        plugin, label, device_of(plugin, device), root=root, prepared=prepared, state=state
    )
    with _setting_up(ready):
        _open_parameters(ready)
        plugin.setup(ready.device)
        if state is not None:
            plugin.load(state)
        if state is not None or not isinstance(plugin, Fitted):
            ready.require_classes()
    return ready


def set_up_alike(
    ready: Ready, given: PluginBase, label: str | None = None, *, state: State | None = None
) -> Ready:
    """Set a plugin up where another one is: on its device, in its project, with its plugins.

    Args:
        ready: The other: the same plugin with other parameters, or the whole of a round.
        given: The plugin with its parameters; it is left as it is.
        label: What messages call it; as the other if None.
        state: What fitting found.

    Raises:
        InputError: If it is a classifier of one class.
        NotFittedError: If a plugin in its parameters must be fitted and is not.
        PluginError: If it cannot be set up.
    """
    named = ready.label if label is None else label
    prepared = _SetUpBefore.of(ready)
    return set_up(given, named, ready.device, root=ready.root, prepared=prepared, state=state)


@dataclass(frozen=True, slots=True)
class _SetUpBefore:
    """The plugins in a plugin's parameters, for another one: what is set up already stays so.

    It holds them and not the plugin around them: of one that is fitted again and again the
    earlier objects can go.

    Attributes:
        parts: Each as a parameter means it, bound to nothing, and set up.
        rest: What knows the others.
    """

    parts: tuple[tuple[Plugin[Any], Ready], ...]
    rest: Prepared | None

    @classmethod
    def of(cls, ready: Ready) -> _SetUpBefore:
        """Take those of a plugin, and what it had from another in the same way."""
        opened = (own for own in nested_in(ready.plugin) if own.is_ready)
        calls = ((own.unbound(), own.ready()) for own in opened)
        parts = [(own, call.ready) for own, call in calls if isinstance(call, FinalCall)]
        before = ready.prepared
        if not isinstance(before, cls):
            return cls(tuple(parts), before)
        older = [part for part in before.parts if not any(_same(part[0], own) for own, _ in parts)]
        return cls((*parts, *older), before.rest)

    def __call__(self, nested: Plugin[Any]) -> Ready | None:
        """Return what is ready of a parameter, or None."""
        for own, ready in self.parts:
            if _same(own, nested):
                return ready
        return None if self.rest is None else self.rest(nested)


def _same(one: Plugin[Any], other: Plugin[Any]) -> bool:
    """Say whether two parameters mean one plugin; two that are equal may have learnt apart."""
    return one == other and one.given is other.given


def _open_parameters(ready: Ready) -> None:
    """Make the plugins and files in a plugin's parameters ready: what is missing is said early."""

    def opened(nested: Plugin[Any]) -> Any:
        if isinstance(nested, Learner):
            made = partial(set_up, nested.plugin, nested.label, ready.device)
            return LearnerCall(partial(made, root=ready.root, prepared=ready.prepared))
        known = ready.prepared(nested) if ready.prepared is not None else None
        return (known or _nested(nested, ready)).call

    bind_files(ready.plugin, ready.root)
    for nested in nested_in(ready.plugin):
        nested.bind(opened)
        nested.ready()


def _nested(nested: Plugin[Any], outer: Ready) -> Ready:
    if nested.given is not None:
        nested.given.ready.require_fitted()
        return nested.given.ready  # type: ignore[no-any-return]
    if isinstance(nested.plugin, Fitted):
        raise NotFittedError(f"{nested.label} must be fitted before another plugin can use it")
    return set_up(
        nested.plugin, nested.label, outer.device, root=outer.root, prepared=outer.prepared
    )


def all_ready(parts: Iterable[Ready]) -> Iterator[Ready]:
    """Go through plugins and those in their parameters that were made from Python."""
    for part in parts:
        yield part
        if isinstance(part.plugin, PluginBase):
            given = (nested.given for nested in nested_in(part.plugin))
            yield from all_ready(call.ready for call in given if call is not None)


def device_of(plugin: Any, device: str) -> str:
    """Return where a plugin computes: metrics and scores on the CPU in the place of MPS.

    That has no float64, in which they compute.
    """
    return "cpu" if isinstance(plugin, MetricBase | Score) and device.startswith("mps") else device


@contextmanager
def _setting_up(ready: Ready) -> Iterator[None]:
    """Name the plugin in whatever goes wrong; a network's first weights move no random state.

    Raises:
        PluginError: If the plugin cannot be set up.
    """
    try:
        with preserve_global_rng():
            yield
    except AdversityError:
        raise
    except BREAKS as error:
        raise PluginError(
            f"{ready.label} could not be set up: {type(error).__name__}: {error}; "
            f"{ready.remedy(error)}"
        ) from error
