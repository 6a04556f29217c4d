"""What the scores read from a predictive distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity_plugins.uncertainty.score._row_blocks import in_row_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from adversity import Predictive

__all__ = ["entropy_of", "score_of_logits", "score_of_members", "score_of_probabilities"]


def score_of_probabilities(
    score: Callable[[Tensor], Tensor], predictive: Predictive, name: str
) -> Tensor:
    """Return the scores `[N]` float64 of class probabilities, from logits where there are none.

    Args:
        score: From probabilities `[n, K]` float64 to `[n]`.
        predictive: Of N samples.
        name: Of the score, for the message.

    Raises:
        DataError: There are neither probabilities nor logits.
    """
    if predictive.probs is not None:
        return in_row_blocks(score, predictive.probs)
    if predictive.logits is not None:
        return in_row_blocks(lambda logits: score(logits.softmax(dim=1)), predictive.logits)
    raise DataError(
        f"uncertainty {name!r} expects class probabilities or logits, got neither: use it on "
        "the predictions of a classifier"
    )


def score_of_logits(score: Callable[[Tensor], Tensor], predictive: Predictive, name: str) -> Tensor:
    """Return the scores `[N]` float64 of logits; log p does not stand in for them.

    Args:
        score: From logits `[n, K]` float64 to `[n]`.
        predictive: Of N samples.
        name: Of the score, for the message.

    Raises:
        DataError: There are no logits.
    """
    if predictive.logits is not None:
        return in_row_blocks(score, predictive.logits)
    raise DataError(
        f"uncertainty {name!r} expects logits, got none: how large they are is what it goes by, and "
        "of that probabilities know nothing; use it right behind a classifier that gives logits, or "
        "take entropy or max_softmax"
    )


def score_of_members(
    score: Callable[[Tensor], Tensor], predictive: Predictive, name: str
) -> Tensor:
    """Return the scores `[N]` float64 of what members say.

    Args:
        score: From members' probabilities `[M, n, K]` float64 to `[n]`.
        predictive: Of N samples.
        name: Of the score, for the message.

    Raises:
        DataError: There are no members.
    """
    if predictive.members is not None:
        return in_row_blocks(score, predictive.members, axis=1)
    raise DataError(
        f"{name} expects what members say, got one answer: use it on a step that combines members"
    )


def entropy_of(probs: Tensor) -> Tensor:
    """Return the entropy of probabilities `[..., K]` float64, in nats, `[...]`.

    A class of probability 0 adds 0, and its gradient is finite.
    """
    from torch import finfo, float64

    # The floor under the logarithm changes p log p by less than 1e-304, and keeps the gradient of
    # saturated rows finite.
    return -(probs * probs.clamp_min(finfo(float64).tiny).log()).sum(dim=-1)
