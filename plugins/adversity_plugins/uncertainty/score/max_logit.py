"""Minus the largest logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import score_of_logits

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["MaxLogit"]


class MaxLogit(Score):
    """Minus the largest logit: high where the network sees little of any class.

    It needs logits: probabilities do not say how large these are. Of calibrated predictions, of
    those that members make together, and of a classifier that gives probabilities it is refused.
    """

    name = "max_logit"
    reference = (
        "D. Hendrycks, S. Basart, M. Mazeika, A. Zou, J. Kwon, M. Mostajabi, J. Steinhardt, D. Song, "
        "Scaling out-of-distribution detection for real-world settings, 2022"
    )
    differentiable = True

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64, any number, in the unit of the logits.

        Raises:
            DataError: There are no logits.
        """
        return score_of_logits(lambda logits: -logits.amax(dim=1), predictive, self.name)
