"""Ways through the graph of steps, following `from:`; for steps as read and as resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HasSource", "ancestors", "way_to"]


class HasSource(Protocol):
    """What comes from other steps or data sets."""

    @property
    def source(self) -> tuple[str, ...]:
        """The ids that `from:` names."""
        ...


def ancestors(id_: str, steps: Mapping[str, HasSource]) -> frozenset[str]:
    """Return all steps and data sets that `id_` comes from."""
    names: set[str] = set()
    waiting = [id_]
    while waiting:
        planned = steps.get(waiting.pop())
        fresh = set(planned.source if planned else ()) - names
        names |= fresh
        waiting.extend(fresh)
    return frozenset(names)


def way_to(id_: str, steps: Mapping[str, HasSource]) -> tuple[str, ...]:
    """Return the ids from the data set to `id_`, data set first, by the first `from:`."""
    way = [id_]
    while way[-1] in steps and steps[way[-1]].source:
        way.append(steps[way[-1]].source[0])
    return tuple(reversed(way))
