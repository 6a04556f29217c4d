"""How much likelier a row is in one source than in another: a classifier that tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from adversity.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ratio", "likelihood_ratio"]

_STEPS = 10_000
_STEEP = 1e-6
"""The largest slope of the mean loss that is left: the coefficients are then right to some six
digits, since the penalty bends the loss by at least penalty / rows."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The logarithm of a likelihood ratio, `rows @ slopes + level`, up to a constant.

    Attributes:
        slopes: `[D]` float64, on the rows as they come.
        level: A number.
    """

    slopes: NDArray[np.float64]
    level: float

    def of(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `[N]`: a row's own, whatever other rows are there, to the last bit."""
        logs = np.full(len(rows), self.level)
        for column, slope in enumerate(self.slopes.tolist()):
            logs = logs + rows[:, column] * slope
        return logs


def likelihood_ratio(
    here: NDArray[np.float64], there: NDArray[np.float64], *, penalty: float
) -> Ratio:
    """Return how much likelier a row is `there` than `here`, by logistic regression.

    Columns are divided by their deviation over all rows; one that does not vary counts nothing.
    What is minimised is the sum of the log loss and penalty / 2 times the sum of squares of the
    slopes on these columns, as scikit-learn does with C = 1 / penalty; the level is free.

    Args:
        here: `[N, D]`.
        there: `[M, D]`.
        penalty: Above 0, so that there is one minimum, also where the two lie apart.

    Raises:
        DataError: If the minimum is not found.
    """
    rows = np.concatenate([here, there])
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    varies = scale > _least(rows)
    scale = np.where(varies, scale, 1.0)
    columns = np.where(varies, (rows - centre) / scale, 0.0)
    is_there = np.repeat([0.0, 1.0], [len(here), len(there)])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the mean loss and its slope."""
        logs = columns @ weights[:-1] + weights[-1]
        lost = np.logaddexp(0, logs).sum() - logs @ is_there
        off = expit(logs) - is_there
        slope = np.append(columns.T @ off + penalty * weights[:-1], off.sum())
        total = lost + penalty / 2 * weights[:-1] @ weights[:-1]
        return float(total / len(rows)), slope / len(rows)

    options = {"maxiter": _STEPS, "maxfun": 2 * _STEPS, "ftol": 0.0, "gtol": _STEEP / 100}
    start = np.append(np.zeros(columns.shape[1]), np.log(len(there) / len(here)))
    found: Any = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    steep = float(np.abs(loss(found.x)[1]).max())
    if not steep <= _STEEP:
        raise DataError(
            f"expected the classifier that tells the two sources apart to be fitted to a slope of "
            f"{_STEEP:g}, got {steep:.3g} after {found.nit} steps: raise penalty"
        )
    slopes = found.x[:-1] / scale
    # Odds are those of the densities times M / N: a constant, as the centre is.
    return Ratio(slopes, float(found.x[-1] - slopes @ centre))


def _least(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deviation `[D]` up to which a column of float32 does not vary but by rounding."""
    least: NDArray[np.float64] = np.abs(rows).max(axis=0) * float(np.finfo(np.float32).eps)
    return least
