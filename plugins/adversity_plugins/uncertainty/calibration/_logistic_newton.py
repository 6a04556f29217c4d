"""Logistic regression with few coefficients, some of them not below 0; needs NumPy and SciPy, no plugin."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import expit

__all__ = ["likeliest_line"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDS = 100
_HALVINGS = 60
_STILL = 1e-13
"""A step of Newton that gains less, in nats of the mean loss, is the last one."""
_TOLD_APART = 1e-3
"""A loss of all rows together that is smaller has no smallest value: coefficients go on growing."""


def likeliest_line(features: Floats, true: Floats, weights: Floats) -> Floats | None:
    """Return the coefficients with the smallest loss, the features' not below 0, and the intercept.

    The loss is convex: where a coefficient would be below 0, it is 0, and the best of the few ways
    to set some to 0 is the best of all.

    Args:
        features: `[N, D]`, D small.
        true: `[N]`, 1 or 0; both occur.
        weights: `[N]` above 0.

    Returns:
        `[D + 1]`, the last the intercept; None where there is no smallest loss, as where a line
        tells the rows apart.
    """
    width = features.shape[1]
    free = _newton(features, true, weights)
    if free is None or (free[1][:-1] >= 0).all():
        return None if free is None else free[1]
    found = []
    for size in range(width):
        for kept in map(list, combinations(range(width), size)):
            fit = _newton(features[:, kept], true, weights)
            if fit is not None and (fit[1][:-1] >= 0).all():
                whole = np.zeros(width + 1)
                whole[[*kept, width]] = fit[1]
                found.append((fit[0], whole))
    return min(found, key=lambda one: one[0])[1] if found else None


def _newton(features: Floats, true: Floats, weights: Floats) -> tuple[float, Floats] | None:
    """Return the smallest mean loss and where it is, without bounds; None if there is none."""
    share = weights / weights.sum()
    mean = share @ features
    spread = np.sqrt(share @ (features - mean) ** 2)
    scale = np.where(spread > 0, spread, 1)
    x = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    values = np.zeros(x.shape[1])
    loss = _loss(x @ values, true, share)
    for _ in range(_ROUNDS):
        p = expit(x @ values)
        slope = x.T @ (share * (p - true))
        bent = (x * (share * p * (1 - p))[:, None]).T @ x
        step = np.linalg.lstsq(bent, -slope, rcond=None)[0]
        gain = -float(slope @ step) / 2
        if gain <= _STILL:
            break
        for halving in range(_HALVINGS):
            tried = values + step / 2**halving
            after = _loss(x @ tried, true, share)
            if after < loss:
                break
        else:
            break
        values, loss = tried, after
    else:
        return None
    if loss * weights.sum() < _TOLD_APART:
        return None
    line = values[:-1] / scale
    return loss, np.append(line, values[-1] - line @ mean)


def _loss(scores: Floats, true: Floats, share: Floats) -> float:
    return float(share @ (np.logaddexp(0, scores) - true * scores))
