"""One minus the probability of the predicted class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import score_of_probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["MaxSoftmax"]


class MaxSoftmax(Score):
    """One minus the largest class probability: 0 is sure, 1 - 1/K knows nothing."""

    name = "max_softmax"
    reference = (
        "D. Hendrycks, K. Gimpel, A baseline for detecting misclassified and "
        "out-of-distribution examples in neural networks, 2017"
    )
    differentiable = True

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, 1 - 1/K].

        Raises:
            DataError: There are neither probabilities nor logits.
        """
        return score_of_probabilities(lambda probs: 1 - probs.amax(dim=1), predictive, self.name)
