"""Chains: what images go through, from a data set to a step, or from an attack to its victim's answer.

Nobody else takes a path apart. A link is one step today; one that is made of several
steps will be a link here, and callers need not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.pipeline.plan.paths import way_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["Chain", "chain_to", "victim_of"]


@dataclass(frozen=True, slots=True)
class Chain:
    """What images go through, one link after the other.

    Attributes:
        start: The data set or step whose images go in.
        links: The steps that they go through, in order; the last one is what the chain ends in.
    """

    start: str
    links: tuple[PlannedStep, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The start and every link, by id."""
        return (self.start, *(link.id for link in self.links))

    @property
    def end(self) -> PlannedStep:
        """The last link."""
        return self.links[-1]

    @property
    def classifier(self) -> PlannedStep:
        """The link whose plugin answers; calibrators and scores may stand behind it."""
        return next(link for link in self.links if link.role == "predict")

    @property
    def views(self) -> tuple[PlannedStep, ...]:
        """The links that make images: all in front of the classifier."""
        return tuple(link for link in self.links if link.role in ("view", "attack"))

    @property
    def defences(self) -> tuple[PlannedStep, ...]:
        """Every link but the classifier."""
        return tuple(link for link in self.links if link.role != "predict")

    @property
    def is_line(self) -> bool:
        """Whether one answer comes of it in each cell of the end: nothing is made of members."""
        names = set(self.end.variables)
        return all(len(link.source) < 2 and names.issuperset(link.variables) for link in self.links)

    @property
    def undefended(self) -> Chain:
        """The classifier alone: what an attack computes on that knows of no defence."""
        return Chain(self.start, (self.classifier,))

    def behind(self, id_: str) -> Chain:
        """Return what the images of a step or data set on the way still go through."""
        at = self.ids.index(id_)
        return Chain(id_, self.links[at:])


def chain_to(id_: str, steps: Mapping[str, PlannedStep]) -> Chain:
    """Return the chain from the data set to `id_`; a definition, or a data set, is its own start."""
    start, *links = way_to(id_, steps)
    return Chain(start, tuple(steps[link] for link in links))


def victim_of(attack: PlannedStep, steps: Mapping[str, PlannedStep]) -> Chain:
    """Return what an attack's images go through: from what it changes to the answer it attacks."""
    return chain_to(str(attack.against), steps).behind(attack.upstream)
