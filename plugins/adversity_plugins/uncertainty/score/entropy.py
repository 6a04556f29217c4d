"""Entropy of the predicted class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import entropy_of, score_of_probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["Entropy"]


class Entropy(Score):
    """Shannon entropy of the class probabilities in nats, or as a share of log K."""

    name = "entropy"
    reference = "C. E. Shannon, A mathematical theory of communication, 1948"
    differentiable = True

    normalized: bool = Field(
        default=False, description="Divide by log K, so that 1 means: all classes alike."
    )

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, log K], or in [0, 1] if normalized.

        A class of probability 0 adds 0, and its gradient is finite.

        Raises:
            DataError: There are neither probabilities nor logits, or there is one class only.
        """
        return score_of_probabilities(self._entropy, predictive, self.name)

    def _entropy(self, probs: Tensor) -> Tensor:
        entropy = entropy_of(probs)
        return entropy / math.log(probs.shape[1]) if self.normalized else entropy
