"""Calibration error without bins: residuals smoothed by a kernel whose width fits the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.reliability import checked_rows, top_class

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["SmoothAccumulator", "smooth_ece"]

_CELLS = 8192
"""Residuals are held on a grid of so many cells, each split between the ends of its own: the error
of that is below 1e-4 of the result for an error of 0.01, and falls with its square."""
_NARROWEST = 2 / _CELLS
"""A width below which the grid does not tell kernels apart."""
_LOW = (1 << 32) - 1


class SmoothAccumulator:
    """The smooth calibration error, batch by batch; memory is that of its grid.

    Sums are whole numbers, so order, batches and merging of up to 2^30 rows change no byte.

    Example:
        >>> seen = SmoothAccumulator()
        >>> seen.update([0.75, 0.75], [True, False])
        >>> round(seen.value().value, 6)
        0.25
    """

    def __init__(self) -> None:
        """Start with an empty grid."""
        self._n = 0
        # High and low digits, to the base 2^32, of the sums of confidences and verdicts.
        self._sums = np.zeros((2, 2, _CELLS + 1), np.int64)

    def update(self, confidence: ArrayLike, correct: ArrayLike) -> None:
        """Add rows.

        Args:
            confidence: `[N]` in [0, 1].
            correct: `[N]` booleans.

        Raises:
            DataError: The arrays do not fit.
        """
        sure, right = checked_rows(confidence, correct)
        sure = np.minimum(sure, 1.0)
        cell = np.minimum((sure * _CELLS).astype(np.intp), _CELLS - 1)
        upper = sure * _CELLS - cell
        for end, part in ((cell, 1 - upper), (cell + 1, upper)):
            self._add(0, end, sure * part)
            self._add(1, end[right], part[right])
        self._n += len(sure)

    def merge(self, other: SmoothAccumulator) -> None:
        """Add what another accumulator has seen."""
        self._n += other._n
        self._sums += other._sums
        self._carry()

    def value(self) -> Measure:
        """Return the error; `convention["width"]` is that of the kernel, the error itself.

        Raises:
            DataError: Nothing was added.
        """
        if not self._n:
            raise DataError("expected at least one row, got none: call update first")
        # In units of 2^-64 the digits are subtracted as whole numbers; one rounding follows.
        high, low = self._sums[0, 0] - self._sums[1, 0], self._sums[0, 1] - self._sums[1, 1]
        residuals = (high + low * 2.0**-32) * 2.0**-32 / self._n
        error, width = _fixed_point(residuals)
        return Measure(
            value=error,
            n=self._n,
            convention={
                "kernel": "Gaussian, reflected at 0 and 1",
                "width": width,
                "label": "top",
                "grid": _CELLS,
            },
            better="lower",
        )

    def _add(self, which: int, at: NDArray[np.intp], values: Floats) -> None:
        scaled = values * 2.0**32
        upper = np.floor(scaled)
        for digit, part in enumerate((upper, np.floor((scaled - upper) * 2.0**32))):
            np.add.at(self._sums[which, digit], at, part.astype(np.int64))
        self._carry()

    def _carry(self) -> None:
        self._sums[:, 0] += self._sums[:, 1] >> 32
        self._sums[:, 1] &= _LOW


def smooth_ece(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
) -> Measure:
    """Return the smooth calibration error of the top class.

    Residuals, confidence minus 1 where right, are smoothed over confidences by a Gaussian that
    is reflected at 0 and 1; the error at a width is the integral of the absolute result. It falls
    with the width, and the one where both are the same is returned. Unlike a binned error it
    changes continuously with the probabilities.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.

    Returns:
        The error, without an interval; its convention holds the width.

    Raises:
        DataError: The arrays do not fit.

    Reference:
        J. Blasiok, P. Nakkiran, "Smooth ECE: principled reliability diagrams via kernel
        smoothing", 2023, section 3. We solve for the width by Brent's method and not down to
        0.001, and smooth in the cosine basis, in which the reflected Gaussian is a factor.

    Example:
        >>> round(smooth_ece([[0.9, 0.1], [0.9, 0.1]], [0, 1]).value, 6)
        0.4
    """
    seen = SmoothAccumulator()
    seen.update(*top_class(probs, labels, logits=logits))
    return seen.value()


def _fixed_point(residuals: Floats) -> tuple[float, float]:
    """Return the error of residuals `[grid + 1]`, and the width at which it is that of the kernel."""
    from scipy.fft import dct
    from scipy.optimize import brentq

    halved = residuals.copy()
    halved[1:-1] /= 2  # this transform counts all but the ends twice
    waves = dct(halved, type=1)
    frequency = np.pi * np.arange(len(waves))

    def error(width: float) -> float:
        smooth = np.abs(dct(waves * np.exp(-0.5 * (frequency * width) ** 2), type=1))
        return float((smooth.sum() - (smooth[0] + smooth[-1]) / 2) / _CELLS)

    if error(_NARROWEST) <= _NARROWEST:
        return error(_NARROWEST), _NARROWEST
    if error(1.0) >= 1.0:  # every row sure of what is wrong
        return error(1.0), 1.0
    width = float(brentq(lambda w: error(w) - w, _NARROWEST, 1.0, xtol=1e-9))
    return error(width), width
