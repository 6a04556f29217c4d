"""Bins of held-out probabilities of one class; needs NumPy and SciPy, no plugin."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betaln

__all__ = ["binned", "equal_mass", "equal_width", "evidence"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


def equal_width(bins: int) -> Floats:
    """Return the `[bins - 1]` inner edges of bins (low, high] of one width in [0, 1]."""
    return np.arange(1, bins) / bins


def equal_mass(probs: Floats, weights: Floats, bins: int) -> Floats:
    """Return inner edges, ascending, that leave the same weight in each bin as nearly as can be.

    Equal probabilities stay together, so that there may be fewer bins. An edge is halfway to the
    next probability: rounding moves none across.

    Args:
        probs: `[N]`, ascending.
        weights: `[N]` above 0.
        bins: How many are asked for.
    """
    mass = np.cumsum(weights)
    # Rounded: sums of weights miss a share of their total by some ulps.
    wanted = mass[-1] * np.arange(1, bins) / bins * (1 - 1e-12)
    last = np.searchsorted(mass, wanted)
    last = np.searchsorted(probs, probs[last], side="right") - 1
    last = np.unique(last[last < len(probs) - 1])
    return np.asarray((probs[last] + probs[last + 1]) / 2)


def binned(probs: Floats, true: Floats, weights: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Return the weight of each bin, and that of its rows that are of the class, both `[B]`.

    Args:
        probs: `[N]`, ascending.
        true: `[N]`, 1 or 0.
        weights: `[N]` above 0.
        edges: `[B - 1]`, inner ones; bins are (low, high].
    """
    at = np.concatenate([[0], np.searchsorted(probs, edges, side="right"), [len(probs)]])
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (weights, weights * true)]
    total, hits = (np.diff(values[at]) for values in sums)
    return total, hits


def evidence(total: Floats, hits: Floats, edges: Floats, strength: float) -> tuple[float, Floats]:
    """Return the log of the BDeu score of a binning, and the posterior mean in each bin.

    In each of B bins the share is Beta(a, b) distributed beforehand, a + b = strength / B, with the
    middle of the bin as its mean.

    Args:
        total: `[B]` rows.
        hits: `[B]` of these of the class.
        edges: `[B - 1]`, inner ones.
        strength: How many rows the prior counts for, in all bins together.
    """
    ends = np.concatenate([[0.0], edges, [1.0]])
    middle = (ends[:-1] + ends[1:]) / 2
    mass = strength / len(total)
    a, b = mass * middle, mass * (1 - middle)
    score = betaln(hits + a, total - hits + b) - betaln(a, b)
    return float(score.sum()), (hits + a) / (total + mass)
