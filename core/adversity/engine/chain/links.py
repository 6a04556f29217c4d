"""The links of a chain: plugins that are set up, each with the step that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.contracts import Sampling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.engine.calls.ready import Ready

__all__ = ["Bundle", "Link", "parts_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """One plugin of the chain.

    Attributes:
        step: The step it stands for; keys its random streams.
        ready: The plugin.
        place: Of a member of an ensemble, the variables of its cell that the others do not share.
    """

    step: str
    ready: Ready
    place: str = ""

    @property
    def name(self) -> str:
        """The step, and the cell where members differ in it: `answers[seed=0]`."""
        return f"{self.step}[{self.place}]" if self.place else self.step

    @property
    def label(self) -> str:
        """The plugin, for messages."""
        return self.ready.label

    @property
    def call(self) -> Any:
        """The plugin's final call."""
        return self.ready.call

    @property
    def makes(self) -> str:
        """What comes out: `images`, `predictions` or `scores`."""
        plugin = self.ready.plugin
        return str(getattr(plugin, "makes", "") or plugin.describes.makes)

    @property
    def stochastic(self) -> bool:
        """Whether it draws random numbers."""
        return bool(self.ready.plugin.stochastic)

    @property
    def samples(self) -> bool:
        """Whether it asks the classifier in front of it several times: its answer is a mean."""
        return isinstance(self.ready.plugin, Sampling)

    @property
    def averaged(self) -> bool:
        """Whether an attack averages over its draws; what samples does it by itself."""
        return self.stochastic and not self.samples

    @property
    def gradient(self) -> str:
        """In words, what the backward pass goes through."""
        return f"{self.call.gradient}{' with EOT' if self.averaged else ''}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Members whose answers one plugin makes one: an ensemble, as a link that answers.

    Attributes:
        step: The step that combines.
        ready: What combines.
        members: Of each member the links that its images go through, up to its answer.
    """

    step: str
    ready: Ready
    members: tuple[tuple[Link | Bundle, ...], ...]

    @property
    def label(self) -> str:
        """What combines, and what each member is, for messages."""
        members = (" -> ".join(link.label for link in member) for member in self.members)
        return f"{self.ready.label} of {len(self.members)} ({' | '.join(members)})"

    @property
    def makes(self) -> str:
        """What comes out: an answer, as a classifier's."""
        return "predictions"

    @property
    def stochastic(self) -> bool:
        """Whether some member draws random numbers."""
        return any(link.stochastic for member in self.members for link in member)

    @property
    def averaged(self) -> bool:
        """Whether an attack averages over the draws of some member."""
        return any(link.averaged for member in self.members for link in member)


def parts_of(links: Iterable[Link | Bundle]) -> tuple[Link, ...]:
    """Return every plugin of a chain as a link: of an ensemble its members, then what combines them."""
    parts: list[Link] = []
    for link in links:
        if isinstance(link, Bundle):
            for member in link.members:
                parts += parts_of(member)
            parts.append(Link(link.step, link.ready))
        else:
            parts.append(link)
    return tuple(parts)
