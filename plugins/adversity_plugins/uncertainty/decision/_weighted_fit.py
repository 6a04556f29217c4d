"""What weighted conformal prediction learns, and the threshold that follows for a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.decision._class_scores import (
    class_scores,
    true_scores,
    with_labels,
)
from adversity_plugins.uncertainty.decision._likelihood_ratio import Ratio, likelihood_ratio
from adversity_plugins.uncertainty.decision._weighted_rank import effective_size, log_limits

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import FitData

__all__ = ["log_rows", "thresholds", "weighted"]

_NAME = "weighted_conformal"
Floats = np.ndarray[Any, np.dtype[np.float64]]


def weighted(train: FitData, unlabelled: FitData, *, alpha: float, penalty: float) -> State:
    """Return the state of `weighted_conformal`."""
    here, there = _rows(train, "train"), _rows(unlabelled, "unlabelled")
    labelled = (with_labels(block.probs, block.targets, _NAME) for block in train)
    scores = np.concatenate(
        [true_scores(class_scores(probs), targets).cpu().numpy() for probs, targets in labelled]
    )
    ratio = likelihood_ratio(here, there, penalty=penalty)
    logs = ratio.of(here)
    ratio = Ratio(ratio.slopes, ratio.level - float(logs.max()))
    weights = np.exp(logs - logs.max())
    order = np.argsort(scores, kind="stable")
    limits = log_limits(weights[order], alpha)
    unbounded = int(np.isinf(thresholds(scores[order], limits, ratio.of(there))).sum())
    worth = effective_size(weights)
    return State(
        arrays={
            "scores": scores[order],
            "log_limits": limits,
            "slopes": ratio.slopes,
            "level": np.array([ratio.level]),
        },
        info={
            "alpha": alpha,
            "n": len(scores),
            "n_unlabelled": len(there),
            "effective_n": worth,
            "unbounded": unbounded,
            "note": (
                f"the {len(scores):,} held-out rows, weighed, are worth {worth:,.1f}; "
                f"{unbounded:,} of {len(there):,} unlabelled rows get all classes"
            ),
        },
    )


def thresholds(scores: Floats, limits: Floats, logs: Floats) -> Floats:
    """Return what a score may be at most, `[N]`; infinite where all classes are in the set.

    Args:
        scores: `[n]`, sorted.
        limits: `[n]`, up to which logarithm of a weight each is high enough.
        logs: `[N]`, those of the rows.
    """
    found: Floats = np.append(scores, np.inf)[np.searchsorted(limits, logs, side="left")]
    return found


def log_rows(probs: Tensor) -> Floats:
    """Return log p `[N, K]` float64, finite: at least that of the smallest float32."""
    rows: Floats = probs.double().clamp_min(torch.finfo(torch.float32).tiny).log().cpu().numpy()
    return rows


def _rows(data: FitData, source: str) -> Floats:
    """Return log p of all rows of a source.

    Raises:
        DataError: There are none, or no probabilities.
    """
    blocks = [block.probs for block in data if block.probs is not None]
    if not sum(map(len, blocks)):
        raise DataError(f"{_NAME} expects predictions with probabilities in {source}, got none")
    return np.concatenate([log_rows(block) for block in blocks])
