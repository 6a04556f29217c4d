"""Ways through the graph of steps, following `from:`; for steps as read and as resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HasSource", "ancestors", "between", "chain"]


class HasSource(Protocol):
    """What comes from other steps or data sets."""

    @property
    def source(self) -> tuple[str, ...]:
        """The ids that `from:` names."""
        ...


def ancestors(id_: str, steps: Mapping[str, HasSource]) -> frozenset[str]:
    """Return all steps and data sets that `id_` comes from."""
    found: set[str] = set()
    waiting = [id_]
    while waiting:
        node = steps.get(waiting.pop())
        fresh = set(node.source if node else ()) - found
        found |= fresh
        waiting.extend(fresh)
    return frozenset(found)


def chain(id_: str, steps: Mapping[str, HasSource]) -> tuple[str, ...]:
    """Return the ids from the data set to `id_`, data set first, by the first `from:`."""
    path = [id_]
    while path[-1] in steps and steps[path[-1]].source:
        path.append(steps[path[-1]].source[0])
    return tuple(reversed(path))


def between(start: str, end: str, steps: Mapping[str, HasSource]) -> tuple[str, ...]:
    """Return the steps on any way from `start` (left out) to `end`, in the order of `steps`."""
    behind = {end, *ancestors(end, steps)}
    return tuple(id_ for id_ in steps if id_ in behind and start in ancestors(id_, steps))
