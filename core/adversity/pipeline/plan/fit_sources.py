"""The sources of a fit: what a plugin needs and may take, and what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from adversity.contracts import PluginBase

__all__ = ["named_sources", "source_faults"]


def named_sources(
    given: str | Mapping[str, str] | None, cls: type[PluginBase]
) -> dict[str, str] | None:
    """Return what fits a plugin, by the names of its sources, in the order that it declares.

    Args:
        given: As `fit_on:` says it; a text is the first source.
        cls: The plugin's class.
    """
    if given is None:
        return None
    declared = _declared(cls) or ("train",)
    named = {declared[0]: given} if isinstance(given, str) else given
    order = [*(name for name in declared if name in named), *named]
    return {name: named[name] for name in dict.fromkeys(order)}


def _declared(cls: type[PluginBase]) -> tuple[str, ...]:
    return (*cls.fit_sources, *cls.may_take) if issubclass(cls, Fitted) else ()


def source_faults(
    cls: type[PluginBase], given: Collection[str], label: str
) -> Iterator[tuple[str | None, str]]:
    """Yield what is wrong with the sources that a plugin is given: the source, and a message.

    Args:
        cls: The plugin's class; one that is not fitted has no sources.
        given: Their names.
        label: What messages call the plugin.
    """
    if not issubclass(cls, Fitted):
        return
    declared, needs = _declared(cls), " and ".join(cls.fit_sources)
    may = f", and may take {' and '.join(cls.may_take)}" if cls.may_take else ""
    takes = f"{label} is fitted on {needs}{may}"
    for name in (name for name in given if name not in declared):
        guess = did_you_mean(name, declared)
        yield name, f"{takes}; there is no source {name}" + (f"; {guess}" if guess else "")
    missing = [name for name in cls.fit_sources if name not in given]
    if missing:
        shape = ", ".join(f"{name}: ..." for name in cls.fit_sources)
        got = " and ".join(given) or "none"
        yield None, f"{takes}; {' and '.join(missing)} is missing, got {got}: write {{{shape}}}"
