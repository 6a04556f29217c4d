"""The scores of true classes, which conformal prediction ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["true_scores"]


def true_scores(probs: Tensor | None, targets: Tensor | None, name: str) -> list[float]:
    """Return 1 - p of the true classes, `[N]`, computed as sets are decided: ties stay ties.

    Args:
        probs: `[N, K]`.
        targets: `[N]` int64.
        name: What messages call the method.

    Raises:
        DataError: There are no probabilities or no targets.
    """
    if probs is None or targets is None:
        missing = "probabilities" if probs is None else "targets"
        raise DataError(
            f"{name} expects probabilities and targets to fit on, got no {missing}: fit it on "
            "the predictions of a classifier for labelled images"
        )
    scores: list[float] = (1 - probs.double()).gather(1, targets[:, None])[:, 0].tolist()
    return scores
