"""What the scores read from a predictive distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["probabilities"]


def probabilities(predictive: Predictive, name: str) -> Tensor:
    """Return the class probabilities `[N, K]` in float64, from logits where there are none.

    Raises:
        DataError: There are neither probabilities nor logits.
    """
    if predictive.probs is not None:
        return predictive.probs.double()
    if predictive.logits is not None:
        return predictive.logits.double().softmax(dim=1)
    raise DataError(
        f"uncertainty {name!r} expects class probabilities or logits, got neither: use it on "
        "the predictions of a classifier"
    )
