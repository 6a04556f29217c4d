"""Generalized entropy of the predicted class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import score_of_probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["GEN"]


class GEN(Score):
    """Sum of (p (1 - p))^gamma over the classes, or over the `top` most probable ones.

    With a small gamma a class of small probability adds nearly as much as one of a half, so that
    the score goes by how many classes are not ruled out, where `entropy` goes by the largest few.
    Of many classes most are noise in the tail: the paper takes the 100 most probable of 1 000. With
    gamma 1 and all classes it is 1 less the sum of squares: the Gini index.
    """

    name = "gen"
    reference = (
        "X. Liu, Y. Lochman, C. Zach, GEN: pushing the limits of softmax-based out-of-distribution "
        "detection, 2023"
    )

    gamma: float = Field(0.1, gt=0, le=1, description="The power; the paper takes 0.1.")
    top: int | None = Field(
        None,
        ge=1,
        description="How many of the most probable classes count; all if not given, or if there "
        "are fewer. The paper takes 100 of the 1000 of ImageNet.",
    )

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, M / 4^gamma], where M classes count.

        Raises:
            DataError: There are neither probabilities nor logits.
        """
        return score_of_probabilities(self._generalized, predictive, self.name)

    def _generalized(self, probs: Tensor) -> Tensor:
        classes = probs.shape[1]
        largest = probs.topk(min(self.top or classes, classes), dim=1).values
        # Probabilities that came as float32 may be above 1 by a rounding, whose power is no number.
        return (largest * (1 - largest).clamp(min=0)).pow(self.gamma).sum(1)
