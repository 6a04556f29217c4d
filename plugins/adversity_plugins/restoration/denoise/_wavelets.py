"""Daubechies' orthonormal wavelets, and the transform that no shift changes."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def daubechies(moments: int) -> np.ndarray:
    """Return the low-pass filter with so many vanishing moments, `[2 * moments]`, sum sqrt(2).

    The half-band polynomial P(y) = sum_k binom(M - 1 + k, k) y^k, y = (2 - z - 1/z) / 4, is
    factored; of each pair of roots the one inside the unit circle is taken.

    Reference: Daubechies, "Orthonormal bases of compactly supported wavelets", 1988, section 4.
    """
    import numpy as np

    heights = np.roots([comb(moments - 1 + k, k) for k in reversed(range(moments))])
    line = np.array([1.0 + 0j])
    for _ in range(moments):
        line = np.convolve(line, [1, 1])
    for height in heights:
        pair = np.roots([1, 4 * height - 2, 1])
        line = np.convolve(line, [1, -pair[np.abs(pair).argmin()]])
    real = line.real
    return real / real.sum() * 2**0.5  # type: ignore[no-any-return]


def filters(moments: int, like: Tensor) -> Tensor:
    """Return the four filters of a plane, `[4, 1, k, k]` of norm 1; the first is the coarse one."""
    import numpy as np
    import torch

    low = daubechies(moments)
    high = low[::-1] * np.where(np.arange(len(low)) % 2, -1, 1)
    lines = torch.from_numpy(np.stack([low, high])).to(like)
    return torch.einsum("ai,bj->abij", lines, lines).reshape(4, 1, len(low), len(low))
