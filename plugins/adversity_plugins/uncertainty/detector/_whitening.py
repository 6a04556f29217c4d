"""The metric of a covariance, as what features are multiplied by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.errors import DataError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["whitening_of"]


def whitening_of(covariance: np.ndarray[Any, Any], ridge: float, name: str) -> np.ndarray[Any, Any]:
    """Return `[D, r]`, whose product with its transpose is the inverse of a covariance `[D, D]`.

    A direction is one in which features vary if its variance is above D times the largest, times
    the square of the smallest step of float32 above 1: of the others none is among the r.

    Args:
        covariance: `[D, D]` float64.
        ridge: Share of the mean variance that is added to each variance.
        name: Of the detector, for the message.

    Raises:
        DataError: Nothing varies.
    """
    import numpy as np

    width = len(covariance)
    covariance = covariance + ridge * covariance.trace() / width * np.eye(width)
    variances, directions = np.linalg.eigh(covariance)
    least = width * float(np.finfo(np.float32).eps) ** 2 * variances[-1]
    varies = variances > max(least, 0.0)
    if not varies.any():
        raise DataError(
            f"{name} expects features that vary within classes, got none that do: fit it on several "
            "images of a class"
        )
    whitening: np.ndarray[Any, Any] = directions[:, varies] / np.sqrt(variances[varies])
    return np.ascontiguousarray(whitening)
