"""The links of a chain: plugins that are set up, each with the step that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.engine.calls.uncertainty_call import CalibratorCall
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.calls.classifier_call import ClassifierCall
    from adversity.engine.calls.ready import Ready

__all__ = ["Arranged", "Link", "arranged"]


@dataclass(frozen=True, slots=True)
class Link:
    """One plugin of the chain.

    Attributes:
        step: The step it stands for; keys its random streams.
        ready: The plugin.
    """

    step: str
    ready: Ready

    @property
    def call(self) -> Any:
        """The plugin's final call."""
        return self.ready.call

    @property
    def makes(self) -> str:
        """What comes out: `images`, `predictions` or `scores`."""
        return self.ready.plugin.describes.makes  # type: ignore[no-any-return]

    @property
    def stochastic(self) -> bool:
        """Whether it draws random numbers."""
        return bool(self.ready.plugin.stochastic)

    @property
    def gradient(self) -> str:
        """In words, what the backward pass goes through."""
        return f"{self.call.gradient}{' with EOT' if self.stochastic else ''}"


@dataclass(frozen=True, slots=True)
class Arranged:
    """A chain taken apart: what images go through, and the final calls of what answers.

    Attributes:
        views: Links from images to images.
        classifier: The one classifier.
        calibrators: What its answer goes through; a score changes none.
    """

    views: tuple[Link, ...]
    classifier: ClassifierCall
    calibrators: tuple[CalibratorCall, ...]


def arranged(links: Sequence[Link]) -> Arranged:
    """Take a chain apart.

    Raises:
        InputError: If there is not exactly one classifier, or something stands where it cannot.
    """
    makes = [link.makes for link in links]
    chain = " -> ".join(link.ready.label for link in links) or "nothing"
    if makes.count("predictions") != 1:
        raise InputError(
            f"a target needs exactly one classifier, got {makes.count('predictions')} in {chain}"
        )
    place = makes.index("predictions")
    for number, made in enumerate(makes):
        expected = "images" if number < place else "scores"
        if number != place and made != expected:
            where = "before" if number < place else "behind"
            raise InputError(
                f"{links[number].ready.label} cannot stand {where} the classifier in {chain}: "
                f"expected {'degradations or restorations' if number < place else 'calibrators'} "
                "there"
            )
    behind = (link.call for link in links[place + 1 :])
    return Arranged(
        tuple(links[:place]),
        links[place].call,
        tuple(call for call in behind if isinstance(call, CalibratorCall)),
    )
