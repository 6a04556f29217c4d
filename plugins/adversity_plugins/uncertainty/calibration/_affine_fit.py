"""The likeliest affine maps of logits, by L-BFGS in float64; needs NumPy and SciPy, no plugin.

The loss is convex. What is searched is the step from softmax(x / T), in coordinates in which the
features have no mean, no correlation and unit variance: there it is round, at any scale of the
logits, and L-BFGS needs tens of rounds in place of thousands. Where there are penalties, the
coordinates are those of the sum of both curvatures. Directions in which the loss does not vary are
left out: nothing can be learnt of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Affine", "MatrixLoss", "VectorLoss", "likeliest"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_ROWS = 4096
_FLAT = 1e-12
"""Directions with a smaller share of the largest variance are rounding."""
_STEEP = 1e-7
"""The largest slope of the mean loss, in nats by unit of a coordinate, where a search may end."""


@dataclass(frozen=True, slots=True)
class Affine:
    """What was found.

    Attributes:
        weights: `[P, K]`, or `[P]` where each class goes by its own logit alone.
        bias: `[P]`.
        rounds: Of the search.
        found: Whether it ended at the smallest loss.
    """

    weights: Floats
    bias: Floats
    rounds: int
    found: bool


class VectorLoss:
    """The mean loss of `softmax(w * x + b)` and its gradient."""

    def __init__(self, features: Floats, truth: Floats, weights: Floats, start: float) -> None:
        """Take `[N, P]` features, `[N]` true columns, `[N]` weights, and 1/T to begin at."""
        share = weights / weights.sum()
        self._mean = share @ features
        spread = np.sqrt(share @ (features - self._mean) ** 2)
        self._scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)
        self._features, self._truth, self._share = features, truth, share
        self._start = start
        self.size = 2 * features.shape[1]

    def __call__(self, values: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient at `[2 P]` coordinates."""
        step, offset = np.split(values, 2)
        loss, by_step, by_offset = 0.0, np.zeros_like(step), np.zeros_like(offset)
        for part in _parts(len(self._features)):
            x = self._features[part]
            centred = (x - self._mean) * self._scale
            scores = self._start * x + step * centred + offset
            added, slopes = _loss_rows(scores, self._truth[part], self._share[part])
            loss += added
            by_step += (slopes * centred).sum(0)
            by_offset += slopes.sum(0)
        return loss, np.concatenate([by_step, by_offset])

    def unpacked(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the weights and the bias; the mean of the bias, which says nothing, is 0."""
        step, offset = np.split(values, 2)
        bias = offset - step * self._scale * self._mean
        return self._start + step * self._scale, bias - bias.mean()


class MatrixLoss:
    """The mean loss of `softmax(W x + b)` with penalties on W off its diagonal, and on b.

    The penalties are those of Kull 2019, equation 11: `off_diagonal / (K (K - 1))` times the sum of
    squares off the diagonal, and `intercept / K` times the sum of squares of b, K the fitted classes.
    """

    def __init__(
        self,
        features: Floats,
        truth: Floats,
        weights: Floats,
        columns: np.ndarray[Any, np.dtype[np.int64]],
        *,
        start: float,
        off_diagonal: float,
        intercept: float,
    ) -> None:
        """Take `[N, K]` features, `[N]` true rows of W, `[N]` weights, and the columns of its diagonal."""
        self._features, self._truth, self._share = features, truth, weights / weights.sum()
        self._columns = columns
        count, width = len(columns), features.shape[1]
        self._off = off_diagonal / max(1, count * (count - 1))
        self._intercept = intercept / count
        self._mean = self._share @ features
        self._basis = self._round_coordinates()
        self._first = np.zeros((count, width))
        self._first[np.arange(count), columns] = start
        self._shape = (count, len(self._basis))
        self.size = count * len(self._basis)

    def _round_coordinates(self) -> Floats:
        """Return `[R, K + 1]`: steps of a row of W, and of its shift at the mean, that bend the loss by 1.

        The loss is taken to be bent as where all classes are as likely, p (1 - p) times the
        covariance of the features; the penalties are added, of W and of b = shift - W mean.
        """
        count, width = len(self._columns), self._features.shape[1]
        centred = self._features - self._mean
        bent = np.eye(width + 1)
        bent[:width, :width] = (centred * self._share[:, None]).T @ centred
        bent *= (count - 1) / count**2
        bent[:width, :width] += 2 * self._off * np.eye(width)
        to_bias = np.append(-self._mean, 1.0)
        curvatures, axes = np.linalg.eigh(bent + 2 * self._intercept * np.outer(to_bias, to_bias))
        kept = curvatures > _FLAT * curvatures.max()
        return np.asarray((axes[:, kept] / np.sqrt(curvatures[kept])).T)

    def __call__(self, values: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient at `[P R]` coordinates."""
        weights, bias = self.unpacked(values)
        steep_w, steep_b = np.zeros_like(weights), np.zeros_like(bias)
        loss = 0.0
        for part in _parts(len(self._features)):
            x = self._features[part]
            added, slopes = _loss_rows(x @ weights.T + bias, self._truth[part], self._share[part])
            loss += added
            steep_w += slopes.T @ x
            steep_b += slopes.sum(0)
        off = weights.copy()
        off[np.arange(len(off)), self._columns] = 0
        loss += self._off * float((off**2).sum()) + self._intercept * float((bias**2).sum())
        steep_w += 2 * self._off * off
        steep_b += 2 * self._intercept * bias
        steep = np.column_stack([steep_w - np.outer(steep_b, self._mean), steep_b])
        return loss, (steep @ self._basis.T).ravel()

    def unpacked(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the weights and the bias."""
        step = values.reshape(self._shape) @ self._basis
        return self._first + step[:, :-1], step[:, -1] - step[:, :-1] @ self._mean


def likeliest(loss: VectorLoss | MatrixLoss, rounds: int) -> Affine:
    """Return the map with the smallest loss, after so many rounds at most."""
    function: Callable[[Floats], tuple[float, Floats]] = loss
    # L-BFGS-B scales no variables: `ftol` is left to the slope, which is what ends the search.
    found = minimize(
        function,
        np.zeros(loss.size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": rounds, "maxfun": 2 * rounds, "ftol": 0, "gtol": _STEEP, "maxcor": 20},
    )
    weights, bias = loss.unpacked(found.x)
    ended = float(np.abs(found.jac).max()) <= _STEEP or found.status != 1
    return Affine(weights, bias, int(found.nit), ended)


def _parts(count: int) -> list[slice]:
    return [slice(first, first + _ROWS) for first in range(0, count, _ROWS)]


def _loss_rows(scores: Floats, truth: Floats, share: Floats) -> tuple[float, Floats]:
    """Return the summed loss of rows and its slopes by the scores."""
    index = (np.arange(len(scores)), truth)
    logs = scores - logsumexp(scores, axis=1, keepdims=True)
    loss = -float(share @ logs[index])
    slopes = np.exp(logs)
    slopes[index] -= 1
    slopes *= share[:, None]
    return loss, slopes
