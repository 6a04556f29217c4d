"""Making the plugins in a plugin's parameters ready to run, with every check of their kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from adversity.contracts import Fitted, PluginBase
from adversity.contracts.nested import Plugin, nested_in
from adversity.contracts.project_files import bind_files
from adversity.engine.calls.final_call import final_call
from adversity.engine.calls.ready import Ready, device_of, setting_up
from adversity.errors import NotFittedError

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import State

__all__ = ["all_ready", "inject", "set_up"]

Found = Callable[[Plugin[Any]], Ready | None]
"""From a plugin in a parameter to what is ready already: the plugin of a fitted step."""


def set_up(
    given: PluginBase,
    label: str,
    device: str,
    *,
    root: Path | None = None,
    found: Found | None = None,
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
        found: What is ready already of the plugins in its parameters.
        state: What fitting found.

    Raises:
        InputError: If it is a classifier of one class.
        NotFittedError: If a plugin in its parameters must be fitted and is not.
        PluginError: If it cannot be set up.
    """
    plugin: Any = given.with_parameters()
    ready = Ready(plugin, label, device_of(plugin, device))
    with setting_up(ready):
        inject(plugin, ready.device, root=root, found=found)
        plugin.setup(ready.device)
        if state is not None:
            plugin.load(state)
        if state is not None or not isinstance(plugin, Fitted):
            ready.require_classes()
    return ready


def inject(
    plugin: PluginBase,
    device: str,
    *,
    root: Path | None = None,
    found: Found | None = None,
    now: bool = True,
) -> None:
    """Make the plugins and files in the parameters of `plugin` ready; called before its `setup`.

    Args:
        plugin: The outer plugin, an object of this run alone.
        device: Where they compute.
        root: The project's folder, where the files in parameters lie; else the working directory.
        found: What is ready already.
        now: Whether they are set up here, so that what is missing is said early, or on first use.

    Raises:
        NotFittedError: If one must be fitted and is not.
        PluginError: If one cannot be set up.
    """

    def opened(nested: Plugin[Any]) -> Any:
        ready = found(nested) if found is not None else None
        return final_call(ready or _set_up(nested, device, root, found))

    bind_files(plugin, root)
    for nested in nested_in(plugin):
        nested.bind(opened)
        if now:
            nested.ready()


def _set_up(nested: Plugin[Any], device: str, root: Path | None, found: Found | None) -> Ready:
    if nested.given is not None:
        nested.given.require_fitted()
        return nested.given.ready  # type: ignore[no-any-return]
    if isinstance(nested.plugin, Fitted):
        raise NotFittedError(f"{nested.label} must be fitted before another plugin can use it")
    return set_up(nested.plugin, nested.label, device, root=root, found=found)


def all_ready(parts: Iterable[Ready]) -> Iterator[Ready]:
    """Go through plugins and those in their parameters that were made from Python."""
    for part in parts:
        yield part
        if isinstance(part.plugin, PluginBase):
            given = (nested.given for nested in nested_in(part.plugin))
            yield from all_ready(call.ready for call in given if call is not None)
