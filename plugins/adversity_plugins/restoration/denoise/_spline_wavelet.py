"""A biorthogonal spline wavelet as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_SPLINE = (3, -3, -22, 22, 128, 128, 22, -22, -3, 3)
"""The long low-pass filter of the biorthogonal spline wavelet 1.5, in units of sqrt(2) / 256."""


def spline_transform(size: int, like: Tensor) -> Tensor:
    """Return the periodic biorthogonal transform 1.5 of a power of two, with rows of norm 1.

    Means are taken with the long filter and differences are Haar's, on all levels. Rows are not
    orthogonal; white noise has in each coefficient the deviation that it has in a pixel.

    Returns:
        `[size, size]`, the coarsest row first.

    Reference: Cohen, Daubechies, Feauveau, "Biorthogonal bases of compactly supported
    wavelets", 1992, table 6.1.
    """
    import numpy as np
    import torch

    rows, length = np.eye(size), size
    while length > 1:
        means, differences = np.zeros((2, length // 2, length))
        for k in range(length // 2):
            for place, value in enumerate(_SPLINE, start=-4):
                means[k, (2 * k + place) % length] += value
            differences[k, 2 * k : 2 * k + 2] = 1, -1
        rows = np.concatenate([means @ rows[:length], differences @ rows[:length], rows[length:]])
        length //= 2
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return torch.from_numpy(rows).to(like)
