"""How badly each class fits an answer: the scores that conformal prediction ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Scoring", "class_scores", "true_scores", "with_labels"]

Scoring = Literal["thr", "aps", "raps"]


def class_scores(
    probs: Tensor, scoring: Scoring = "thr", *, penalty: float = 0.0, free: int = 0
) -> Tensor:
    """Return the score of every class, `[N, K]` float64, larger where it fits worse.

    Args:
        probs: `[N, K]`.
        scoring: `thr`: 1 - p. `aps`: the sum of the probabilities of likelier classes, so that it
            falls where the class becomes likelier. `raps`: the same and `penalty` for each class that
            is as likely or likelier, its own included, but for `free` of them.
        penalty: Of `raps`.
        free: Of `raps`.
    """
    import torch

    exact = probs.double()
    if scoring == "thr":
        return 1 - exact
    ordered, order = exact.sort(dim=1, descending=True, stable=True)
    # Of each run of equal probabilities, how many are likelier, and how many likelier or equal.
    starts, ends = (torch.searchsorted(-ordered, -ordered, right=after) for after in (False, True))
    sums = torch.nn.functional.pad(ordered.cumsum(1), (1, 0))
    scores = sums.gather(1, starts)
    if scoring == "raps":
        scores = scores + penalty * (ends - free).clamp_min(0)
    return torch.empty_like(scores).scatter_(1, order, scores)


def true_scores(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the scores of the true classes, `[N]`.

    Args:
        scores: `[N, K]` of `class_scores`, computed as sets are decided: ties stay ties.
        targets: `[N]` int64.
    """
    return scores.gather(1, targets[:, None])[:, 0]


def with_labels(probs: Tensor | None, targets: Tensor | None, name: str) -> tuple[Tensor, Tensor]:
    """Return both, if they are there.

    Raises:
        DataError: There are no probabilities or no targets.
    """
    if probs is None or targets is None:
        missing = "probabilities" if probs is None else "targets"
        raise DataError(
            f"{name} expects probabilities and targets to fit on, got no {missing}: fit it on "
            "the predictions of a classifier for labelled images"
        )
    return probs, targets
