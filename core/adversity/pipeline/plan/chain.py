"""Chains: what images go through, from a data set to a step, or from an attack to its victim's answer.

Nobody else takes a path apart. Where a step combines members, the images go several ways: `links` is
the first of them, `parts` are the steps of all. What each member is in a cell stands in `routes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.pipeline.plan.paths import ancestors, way_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["Chain", "chain_to", "combines", "victim_of"]


@dataclass(frozen=True, slots=True)
class Chain:
    """What images go through, one link after the other.

    Attributes:
        start: The data set or step whose images go in.
        links: The steps that they go through, in order; the last one is what the chain ends in.
            Where a step combines members, those of the first.
        parts: The steps on any way, those of other members too; as in the plan.
    """

    start: str
    links: tuple[PlannedStep, ...]
    parts: tuple[PlannedStep, ...]

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
    def classifiers(self) -> tuple[PlannedStep, ...]:
        """The links that answer: one, or those of the members."""
        return tuple(part for part in self.parts if part.role == "predict")

    @property
    def views(self) -> tuple[PlannedStep, ...]:
        """The links that make images: all in front of the classifier."""
        return tuple(link for link in self.links if link.role in ("view", "attack"))

    @property
    def defences(self) -> tuple[PlannedStep, ...]:
        """Every link but the classifiers, and what makes one answer of theirs."""
        return tuple(part for part in self.parts if not _answers(part))

    @property
    def shared_views(self) -> tuple[PlannedStep, ...]:
        """The views that all images go through in the same way, whichever member they lead to."""
        known = {part.id: part for part in self.parts}
        ways = [ancestors(each.id, known) for each in self.classifiers]
        folded = {name for part in self.parts for name in part.over if combines(part)}
        return tuple(
            view
            for view in self.views
            if all(view.id in way for way in ways) and folded.isdisjoint(view.variables)
        )

    @property
    def is_line(self) -> bool:
        """Whether one answer comes of it in each cell of the end: nothing is made of members."""
        names = set(self.end.variables)
        return all(len(link.source) < 2 and names.issuperset(link.variables) for link in self.links)

    @property
    def undefended(self) -> Chain:
        """What an attack computes on that knows of no defence: the classifier alone.

        Of an ensemble the members' classifiers, and what makes one answer of theirs.
        """
        links, parts = (tuple(filter(_answers, some)) for some in (self.links, self.parts))
        return Chain(self.start, links, parts)

    def behind(self, id_: str) -> Chain:
        """Return what the images of a step or data set on the way still go through."""
        known = {part.id: part for part in self.parts}
        parts = tuple(part for part in self.parts if id_ in ancestors(part.id, known))
        return Chain(id_, self.links[self.ids.index(id_) :], parts)


def chain_to(id_: str, steps: Mapping[str, PlannedStep]) -> Chain:
    """Return the chain from the data set to `id_`; a definition, or a data set, is its own start."""
    start, *links = way_to(id_, steps)
    on_the_way = ancestors(id_, steps) | set(links)
    parts = (step for name, step in steps.items() if name in on_the_way)
    return Chain(start, tuple(steps[link] for link in links), tuple(parts))


def victim_of(attack: PlannedStep, steps: Mapping[str, PlannedStep]) -> Chain:
    """Return what an attack's images go through: from what it changes to the answer it attacks."""
    return chain_to(str(attack.against), steps).behind(attack.upstream)


def combines(step: PlannedStep) -> bool:
    """Say whether a step makes one answer of those of several members."""
    return step.role == "score" and (bool(step.over) or len(step.source) > 1)


def _answers(step: PlannedStep) -> bool:
    return step.role == "predict" or combines(step)
