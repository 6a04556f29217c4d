"""Routes: a chain in one cell, with each member of an ensemble in the cell that is its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.pipeline.plan.chain import combines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["Placed", "every", "record_of", "route_of"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A step in a cell.

    Attributes:
        step: The step.
        cell: Its own cell.
        members: Where it combines members, what the images go through up to the answer of each.
            Views that all members share stand before it.
    """

    step: PlannedStep
    cell: Cell
    members: tuple[tuple[Placed, ...], ...] = ()

    @property
    def key(self) -> tuple[str, Cell]:
        """What makes two of them the same."""
        return self.step.id, self.cell

    def place(self, outer: Cell) -> str:
        """Return the variables of its cell that an outer one does not have, `seed=0`."""
        names = tuple(name for name, _ in self.cell.values if name not in outer.as_dict())
        return self.cell.restrict(names).key


def route_of(chain: Chain, cell: Cell, steps: Mapping[str, PlannedStep]) -> tuple[Placed, ...]:
    """Return what images go through in a cell.

    Args:
        chain: From the step or data set whose images go in.
        cell: At least the variables of the chain's end.
        steps: Of the plan; those that are no part of the chain are left out.
    """
    kept = {part.id for part in chain.parts}

    def to(id_: str, outer: Cell) -> tuple[Placed, ...]:
        if id_ == chain.start or id_ not in steps:
            return ()
        step = steps[id_]
        cell = step.own(outer)
        if combines(step):
            members = [
                to(name, one) for name in step.source for one in step.folds(steps[name], cell)
            ]
            shared = _shared(members)
            rest = tuple(member[len(shared) :] for member in members)
            return (*shared, Placed(step, cell, rest))
        before = to(step.upstream, cell)
        return (*before, Placed(step, cell)) if id_ in kept else before

    return to(chain.end.id, cell)


def every(route: Sequence[Placed]) -> Iterator[Placed]:
    """Go through all steps of a route, those of members before what combines them."""
    for placed in route:
        for member in placed.members:
            yield from every(member)
        yield placed


def record_of(
    route: Sequence[Placed], part: Callable[[Placed], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what a route is made of, as JSON values: of what combines members, each of them.

    Args:
        route: Of a chain.
        part: Returns what a step contributes by itself.
    """
    return [
        part(placed)
        | ({"members": [record_of(one, part) for one in placed.members]} if placed.members else {})
        for placed in route
    ]


def _shared(members: Sequence[tuple[Placed, ...]]) -> tuple[Placed, ...]:
    """Return the views with which all members begin; images go through them once."""
    shared: list[Placed] = []
    for column in zip(*members, strict=False):
        first = column[0]
        makes_images = first.step.role in ("view", "attack")
        if not makes_images or any(placed.key != first.key for placed in column):
            break
        shared.append(first)
    return tuple(shared)
