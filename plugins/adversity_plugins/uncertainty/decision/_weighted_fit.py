"""What weighted conformal prediction learns, and the threshold that follows for a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import rankdata

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

__all__ = ["APART", "log_rows", "thresholds", "told_apart", "weighted"]

_NAME = "weighted_conformal"
APART = 0.75
"""Measured, see docs/kinds/uncertainty.md: of corrupted digits, sets of 0.9 that are told apart by less
held 0.90 to 0.96 with one network and 0.86 to 0.96 with another, those above 0.56 to 1."""
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
    worth, apart = effective_size(weights), told_apart(here, there, penalty=penalty)
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
            "told_apart": apart,
            "note": (
                f"the {len(scores):,} held-out rows, weighed, are worth {worth:,.1f}; "
                f"{unbounded:,} of {len(there):,} unlabelled rows get all classes" + _warning(apart)
            ),
        },
    )


def told_apart(here: Floats, there: Floats, *, penalty: float) -> float | None:
    """Return the AUROC with which rows of two sources are told apart, each by the other half's ratio.

    A half is every second row. None with fewer than two rows in a source.

    Args:
        here: `[N, D]`.
        there: `[M, D]`.
        penalty: As for the ratio.
    """
    if min(len(here), len(there)) < 2:
        return None
    found = []
    for half in (0, 1):
        ratio = likelihood_ratio(here[1 - half :: 2], there[1 - half :: 2], penalty=penalty)
        ours, theirs = ratio.of(here[half::2]), ratio.of(there[half::2])
        ranks = rankdata(np.concatenate([ours, theirs]))[len(ours) :].sum()
        pairs = len(ours) * len(theirs)
        found.append(float((ranks - len(theirs) * (len(theirs) + 1) / 2) / pairs))
    return sum(found) / 2


def _warning(apart: float | None) -> str:
    if apart is None or apart <= APART:
        return ""
    return (
        f"; they differ too much for the promise to be relied on: the two sources are told apart with "
        f"an AUROC of {apart:.2f}, and above {APART:g} sets were found that break it"
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
