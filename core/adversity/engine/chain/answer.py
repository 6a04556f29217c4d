"""What a chain says of images, and everything that is read from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity.engine.calls.log_probs import log_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Answer", "joined"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the classifier of a chain gives for N images, and the calibrators behind it.

    Attributes:
        values: `[N, K]`, what the classifier gives.
        gives: What that is: `logits`, `probs` or `labels`.
        probs: `[N, K]`, calibrated probabilities; None without a calibrator.
    """

    values: Tensor
    gives: str
    probs: Tensor | None = None

    @property
    def decision(self) -> Tensor:
        """`[N, K]`, what decides: the calibrated probabilities, else what the classifier gives."""
        return self.values if self.probs is None else self.probs

    @property
    def kind(self) -> str:
        """What `decision` is: `logits`, `probs` or `labels`."""
        return self.gives if self.probs is None else "probs"

    @property
    def predicted(self) -> Tensor:
        """`[N]` int64, the predicted classes; a tie goes to the first."""
        return self.decision.argmax(1)

    @property
    def probabilities(self) -> Tensor:
        """`[N, K]` float64, `decision` with logits as the probabilities they stand for."""
        exact = self.decision.double()
        return exact.softmax(1) if self.kind == "logits" else exact

    @property
    def as_logits(self) -> Tensor:
        """`[N, K]`, what a calibrator behind it gets: logits, or finite log p."""
        return log_of(self.decision) if self.kind == "probs" else self.decision

    def calibrated(self, probs: Tensor) -> Answer:
        """Return the answer behind a further calibrator."""
        return replace(self, probs=probs)

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return self.values.nbytes + (0 if self.probs is None else self.probs.nbytes)

    def rows(self, index: Tensor | list[int]) -> Answer:
        """Return the answer for some of the images."""
        probs = None if self.probs is None else self.probs[index]
        return Answer(self.values[index], self.gives, probs)

    def lead(self, labels: Tensor) -> Tensor:
        """Return by how much the best other class leads that of `labels`, `[N]` float64."""
        exact = self.decision.detach().double()
        own = exact.gather(1, labels[:, None])[:, 0]
        return exact.scatter(1, labels[:, None], -float("inf")).amax(1) - own


def joined(answers: Sequence[Answer]) -> Answer:
    """Return answers of one chain as one, in their order."""
    import torch

    values = torch.cat([answer.values for answer in answers])
    probs = [answer.probs for answer in answers if answer.probs is not None]
    return Answer(values, answers[0].gives, torch.cat(probs) if probs else None)
