"""How close the second class comes to the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import Score
from adversity.errors import DataError
from adversity_plugins.uncertainty.score._probabilities import score_of_probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["Margin"]


class Margin(Score):
    """One minus the gap between the two largest class probabilities: 0 is sure, 1 torn between two."""

    name = "margin"
    reference = (
        "T. Scheffer, C. Decomain, S. Wrobel, Active hidden Markov models for information "
        "extraction, 2001; there it is the gap itself"
    )
    differentiable = True

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, 1].

        Raises:
            DataError: There are neither probabilities nor logits, or there is one class only.
        """
        return score_of_probabilities(_margin, predictive, self.name)


def _margin(probs: Tensor) -> Tensor:
    if probs.shape[1] < 2:
        raise DataError(
            f"margin expects two classes or more, got {probs.shape[1]}: use it on a classifier of "
            "several"
        )
    first, second = probs.topk(2, dim=1).values.unbind(1)
    return 1 - (first - second)
