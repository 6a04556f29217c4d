"""A network that is asked several times, at the end of a chain: the mean of its draws answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from adversity.engine.calls.blocks import network_rows
from adversity.engine.calls.model import ClassifierModel
from adversity.engine.chain.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.engine.chain.answering import Draws
    from adversity.engine.chain.links import Link

__all__ = ["Drawn"]


class Drawn:
    """A classifier that a method asks again: what the method's own step gives for the images."""

    gives = "probs"
    """What it answers, whatever the classifier gives."""

    def __init__(self, asked: Link, method: Link) -> None:
        """Take the classifier, and the method behind it.

        Raises:
            InputError: If the classifier gives labels only.
        """
        self._asked, self._method = asked, method
        self._call = method.call
        self._model = ClassifierModel(asked.call)
        self._plugin: Any = asked.ready.plugin
        self._met: set[tuple[int, ...]] = set()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the answer."""
        names: tuple[str, ...] = self._asked.call.class_names
        return names

    @property
    def numbered(self) -> bool:
        """Whether its classes have no names but numbers."""
        return bool(getattr(self._plugin, "numbered", False))

    @property
    def no_gradient(self) -> str | None:
        """Why it has none: the classifier's reason, or the method's."""
        why: str | None = self._asked.call.no_gradient
        if why is not None:
            return f"{self._asked.name}, {self._asked.label}: {why}"
        if not self._method.ready.plugin.differentiable:
            return f"{self._method.name}, {self._method.label}: it is not differentiable"
        return None

    def rows(self, images: Tensor, *, enlarged: int = 1) -> int:
        """Return how many images go through at once: the classifier's block."""
        return network_rows(self._plugin, images, enlarged=enlarged)

    def sought(self, images: Tensor, side: Mapping[str, Tensor], draws: Draws) -> Tensor:
        """Return log p `[N, K]` of the mean over the draws of one query, rounded once."""
        shape = tuple(images.shape[1:])
        if shape not in self._met:
            self._model.meet(images.detach(), draws.streams)
            self._met.add(shape)
        rng = draws.of(self._method.step)
        answer: Tensor = self._call.answers((self._model,), images, rng)
        return answer

    def given(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Answer:
        """Return what the method's step gives for these images, to the bit."""
        said = self._call((self._model,), images, draws.of(self._method.step))
        return Answer(said.probs, self.gives)

    def structure(self) -> None:
        """Return None: nothing is laid open."""

    def broke(self, what: str, ids: Sequence[str]) -> NoReturn:
        """Raise the error that says what the answer lacks."""
        self._method.ready.broke(what, ids)
