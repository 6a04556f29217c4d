"""How likely two draws from the predicted classes would differ, on the scale of nats."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Score

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["CollisionEntropy"]


class CollisionEntropy(Score):
    """Score a prediction by Rényi's entropy of order 2, -log(sum p ** 2), in nats.

    Reference:
        A. Rényi, "On Measures of Entropy and Information", 1961.
    """

    name: ClassVar[str] = "collision_entropy"
    reference: ClassVar[str] = "A. Rényi, On Measures of Entropy and Information, 1961"

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]`, from 0 (certain) to log K (every class alike).

        Raises:
            ValueError: If the prediction has no probabilities.
        """
        if predictive.probs is None:
            raise ValueError("expected probabilities, got a prediction without; use a classifier")
        return -(predictive.probs**2).sum(dim=1).log()
