"""A threshold that has a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_WIDTH = 0.1
"""How fast it opens, in units of sigma. So narrow that the answer is that of a hard threshold, to
a few hundredths of a decibel, and not narrower: of thousands of coefficients some are always just
at the threshold, and a derivative that leaves out their jumps is not the slope of the whole."""


def gate(values: Tensor, threshold: float, sigma: float) -> Tensor:
    """Return what is kept of coefficients: 0 below threshold * sigma, 1 above, smooth between."""
    return ((values.abs() / sigma - threshold) / _WIDTH).sigmoid()
