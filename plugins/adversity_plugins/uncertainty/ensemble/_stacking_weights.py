"""The weights of a mixture that make held-out labels likeliest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["likeliest_weights"]

_GAP = 1e-8
"""What may be missing of the largest mean log-likelihood, in nats: far below any that is shown."""
_ROUNDS = 1000
_HALVINGS = 40


def likeliest_weights(
    truths: NDArray[np.float64], counts: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the weights w that maximise the mean of log(truths @ w): not negative, their sum 1.

    The function is concave, so a maximum is the largest one. With g[m] the mean of
    truths[:, m] / (truths @ w), no weights are better by more than max(g) - 1, by which the answer
    is known to be right however it was found: by steps of Newton among the members that have a
    weight, and steps towards one that has none and should have some.

    Args:
        truths: `[N, M]`, what each member says of the true class; in every row some member
            more than 0.
        counts: `[N]` above 0, what each row counts in the mean; None where all count the same.

    Returns:
        `[M]`, within 1e-8 nats of the best.

    Raises:
        DataError: If that is not reached.

    Reference:
        B. G. Lindsay, The geometry of mixture likelihoods, 1983, theorem 4.1, for the bound.
    """
    # By the largest of its row: the weights stay the same, and no number is too small to divide by.
    scaled = truths / truths.max(axis=1, keepdims=True)
    weights = np.full(scaled.shape[1], 1 / scaled.shape[1])
    missing = np.inf
    for _ in range(_ROUNDS):
        ratios = scaled / _mixed(scaled, weights)[:, None]
        gains = _mean(ratios, counts)
        missing = gains.max() - 1
        if missing <= _GAP:
            return weights
        best = int(gains.argmax())
        step = -weights if weights[best] == 0 else _newton(ratios, gains, weights, counts)
        step[best] += weights[best] == 0  # to a weight of 1, where it had none
        weights = _further(scaled, counts, weights, step, weights * gains)
    raise DataError(
        f"stacking expects weights within {_GAP:g} nats of the best after {_ROUNDS} rounds, "
        f"{missing:.3g} are missing: the members say nearly the same; drop some"
    )


def _mean(values: NDArray[np.float64], counts: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the mean over rows, of which each counts so much."""
    if counts is None:
        return np.asarray(values.mean(axis=0))
    return np.asarray((values.T * counts).sum(axis=-1) / counts.sum())


def _newton(
    ratios: NDArray[np.float64],
    gains: NDArray[np.float64],
    weights: NDArray[np.float64],
    counts: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return the step to the largest value of the second-order model; its sum is 0."""
    some = np.flatnonzero(weights)
    inside = ratios[:, some]
    # No product of matrices: its library may add in another order on another number of threads.
    counted = inside if counts is None else inside * (counts * len(counts) / counts.sum())[:, None]
    curvature = np.einsum("nm,nk->mk", counted, inside, optimize=False) / len(inside)
    ones = np.ones((1, len(some)))
    system = np.block([[curvature, ones.T], [ones, np.zeros((1, 1))]])
    solved = np.linalg.lstsq(system, np.append(gains[some], 0), rcond=None)[0][:-1]
    step = np.zeros_like(weights)
    step[some] = solved - solved.mean()  # exactly along the sum of 1, whatever was rounded
    return step


def _further(
    scaled: NDArray[np.float64],
    counts: NDArray[np.float64] | None,
    weights: NDArray[np.float64],
    step: NDArray[np.float64],
    otherwise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return better weights along a step, at most to where one of them is 0.

    Args:
        scaled: What members say of the true classes.
        counts: What each row counts.
        weights: Where the step begins.
        step: Its sum is 0.
        otherwise: The weights after a round of EM, which are never worse, for a step that is no use.
    """
    before = _mean(np.log(_mixed(scaled, weights)), counts)
    falling = np.flatnonzero(step < 0)
    limits = weights[falling] / -step[falling]
    reach = min(1.0, float(limits.min())) if len(falling) else 1.0
    tried = reach
    for _ in range(_HALVINGS):
        there = np.maximum(weights + tried * step, 0)
        if tried == reach:
            there[falling[limits <= reach]] = 0  # exactly, so that it is out of the next steps
        mixed = _mixed(scaled, there)
        if (mixed > 0).all():
            gained = _mean(np.log(mixed), counts) - before
            # A part of a step that changes nothing but rounding would be taken for ever.
            if gained > 0 or (gained == 0 and tried == reach):
                return np.asarray(there / there.sum())
        tried /= 2
    return np.asarray(otherwise / otherwise.sum())


def _mixed(truths: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return truths @ w, in the same order of additions whatever the library of matrices."""
    return np.asarray((truths * weights).sum(axis=1))
