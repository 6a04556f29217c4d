"""A chain taken apart: what images go through, who answers, and what the answer goes through.

An attack asks for a differentiable answer, finite in every row; the judge for the one that a step of
the pipeline gives, to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from adversity.engine.calls.blocks import network_rows
from adversity.engine.calls.log_probs import floored
from adversity.engine.calls.uncertainty_call import CalibratorCall
from adversity.engine.chain.answer import Answer
from adversity.engine.chain.drawn import Drawn
from adversity.engine.chain.ensemble import Members
from adversity.engine.chain.links import Bundle, Link
from adversity.errors import InputError
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Structure
    from adversity.engine.calls.classifier_call import ClassifierCall

__all__ = ["Draws", "Line", "arranged"]


@dataclass(frozen=True, slots=True)
class Draws:
    """Whose random numbers the links of a chain draw.

    Attributes:
        seed: The pipeline's seed.
        streams: N names that key them, one for each row.
        draw: Which draw of an attack's query; None for those of the pipeline itself.
    """

    seed: int
    streams: tuple[str, ...]
    draw: int | None = None

    def of(self, step: str) -> SampleRng:
        """Return the random numbers of a step; members keep their own, by the names of theirs."""
        rng = SampleRng(seed=self.seed, step=step, ids=self.streams)
        return rng if self.draw is None else rng.child(("attack", self.draw))


class Answering(Protocol):
    """What answers about images that have gone through the views in front of it."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the answer."""
        ...

    @property
    def numbered(self) -> bool:
        """Whether its classes have no names but numbers, as those of a bare network."""
        ...

    @property
    def gives(self) -> str:
        """What the answer is: `logits`, `probs` or `labels`."""
        ...

    @property
    def no_gradient(self) -> str | None:
        """Why it has no gradient, or None."""
        ...

    def rows(self, images: Tensor, *, enlarged: int = 1) -> int:
        """Return how many images go through at once."""
        ...

    def sought(self, images: Tensor, side: Mapping[str, Tensor], draws: Draws) -> Tensor:
        """Return the answer `[N, K]` as an attack gets it: finite, differentiable, logits or log p."""
        ...

    def given(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Answer:
        """Return the real answer."""
        ...

    def structure(self) -> Structure | None:
        """Return what it is made of, for an exact attack."""
        ...

    def broke(self, what: str, ids: Sequence[str]) -> NoReturn:
        """Raise the error that says which promise was broken."""
        ...


class _One:
    """A classifier."""

    def __init__(self, call: ClassifierCall) -> None:
        self._call = call
        self._plugin: Any = call.ready.plugin

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._call.class_names

    @property
    def numbered(self) -> bool:
        return bool(getattr(self._plugin, "numbered", False))

    @property
    def gives(self) -> str:
        return str(self._plugin.gives)

    @property
    def no_gradient(self) -> str | None:
        return self._call.no_gradient

    def rows(self, images: Tensor, *, enlarged: int = 1) -> int:
        return network_rows(self._plugin, images, enlarged=enlarged)

    def sought(self, images: Tensor, side: Mapping[str, Tensor], draws: Draws) -> Tensor:
        return self._call.answers(images)

    def given(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Answer:
        return Answer(self._call.logits(images, ids), self.gives)

    def structure(self) -> Structure | None:
        structure: Structure | None = self._plugin.structure()
        return structure

    def broke(self, what: str, ids: Sequence[str]) -> NoReturn:
        self._call.ready.broke(what, ids)


@dataclass(frozen=True, slots=True)
class Line:
    """A chain taken apart: what images go through, what answers, and what its answer goes through.

    Attributes:
        links: All of it.
        views: Links from images to images.
        source: What answers.
        calibrators: What the answer goes through; a score changes none.
    """

    links: tuple[Link | Bundle, ...]
    views: tuple[Link, ...]
    source: Answering
    calibrators: tuple[CalibratorCall, ...]

    @property
    def label(self) -> str:
        """The plugins, in order, for messages."""
        return " -> ".join(link.label for link in self.links)

    @property
    def name(self) -> str:
        """The step whose answer it is."""
        last = self.links[-1]
        return last.name if isinstance(last, Link) else last.step

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the answer."""
        return self.source.class_names

    @property
    def gives(self) -> str:
        """What answers gives, before any calibrator: `logits`, `probs` or `labels`."""
        return self.source.gives

    @property
    def structure(self) -> Structure | None:
        """What the classifier is made of, where nothing else stands in the chain."""
        return self.source.structure() if len(self.links) == 1 else None

    def rows(self, images: Tensor, *, enlarged: int = 1) -> int:
        """Return how many images go through at once: the classifier's block, at its own size."""
        larger = math.prod(link.call.enlarges() for link in self.views)
        return self.source.rows(images, enlarged=enlarged * larger)

    def sought(self, images: Tensor, side: Mapping[str, Tensor], draws: Draws) -> Tensor:
        """Return the answer `[N, K]` as an attack gets it, of one draw."""
        traced, values = images.requires_grad, images
        for link in self.views:
            run = link.call.traced if traced else link.call.passed
            passed = run(values, side, draws.of(link.step))
            values, side = passed.images, passed.side
        values = self.source.sought(values, side, draws)
        if self.calibrators and self.gives == "probs":
            values = floored(values)  # as the judge's get them
        for calibrator in self.calibrators:
            values = calibrator.answers(values)
        return values

    def given(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Answer:
        """Return the real answer, as a step of the pipeline gives it."""
        for link in self.views:
            passed = link.call.passed(images, side, draws.of(link.step))
            images, side = passed.images, passed.side
        answer = self.source.given(images, side, draws, ids)
        for call in self.calibrators:
            answer = answer.calibrated(call(answer.as_logits, ids))
        return answer


def arranged(links: Sequence[Link | Bundle]) -> Line:
    """Take a chain apart.

    Raises:
        InputError: If there is not exactly one classifier, or something stands where it cannot.
    """
    makes = [_made(link) for link in links]
    chain = " -> ".join(link.label for link in links) or "nothing"
    if makes.count("predictions") != 1:
        raise InputError(
            f"a target needs exactly one classifier, got {makes.count('predictions')} in {chain}"
        )
    place = makes.index("predictions")
    for number, made in enumerate(makes):
        expected = "images" if number < place else "scores"
        if number != place and made not in (expected, "draws"):
            where = "before" if number < place else "behind"
            raise InputError(
                f"{links[number].label} cannot stand {where} the classifier in {chain}: "
                f"expected {'degradations or restorations' if number < place else 'calibrators'} "
                "there"
            )
    calls = (link.ready.call for link in links[place + 1 :])
    return Line(
        tuple(links),
        tuple(link for link in links[:place] if isinstance(link, Link)),
        _source(links, place, makes),
        tuple(call for call in calls if isinstance(call, CalibratorCall)),
    )


def _made(link: Link | Bundle) -> str:
    return "draws" if isinstance(link, Link) and link.samples else link.makes


def _source(links: Sequence[Link | Bundle], place: int, makes: Sequence[str]) -> Answering:
    """Return what answers: a classifier, members, or a classifier that is asked several times."""
    source = links[place]
    drawn = [number for number, made in enumerate(makes) if made == "draws"]
    if drawn:
        method = links[drawn[0]]
        if isinstance(source, Bundle) or drawn != [place + 1] or not isinstance(method, Link):
            raise InputError(
                f"{method.label} asks a classifier itself: expected it once, right behind one, got "
                + " -> ".join(link.label for link in links)
            )
        return Drawn(source, method)
    if isinstance(source, Bundle):
        return Members(source, tuple(map(arranged, source.members)))
    return _One(source.call)
