"""The kernel of a lens out of focus: a disk with a soft edge."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["disk_kernel"]

_LEAST = 8
"""The published kernels have at least this radius, with zeros round a smaller disk."""


@lru_cache(maxsize=16)
def disk_kernel(radius_px: int, edge_sigma_px: float) -> Any:
    """Return `[k, k]` float32: the disk, normalised, then blurred with a Gaussian of few taps.

    Three taps up to a radius of 8, five beyond; the blur mirrors at the kernel's border without
    repeating it, so that nothing is lost where the disk touches it.
    """
    import numpy as np

    reach = max(radius_px, _LEAST)
    offsets = np.arange(-reach, reach + 1)
    inside = offsets[:, None] ** 2 + offsets[None, :] ** 2 <= radius_px**2
    disk = inside.astype(np.float32)
    disk /= disk.sum()
    taps = 1 if radius_px <= _LEAST else 2
    weights = np.exp(-0.5 * (np.arange(taps + 1) / edge_sigma_px) ** 2)
    line = (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)
    return _smoothed(_smoothed(disk, line).T, line).T


def _smoothed(values: Any, line: Any) -> Any:
    """Correlate the last axis with a symmetric line, mirrored at the border, in float32."""
    import numpy as np

    reach, width = len(line) - 1, values.shape[1]
    wide = np.pad(values, ((0, 0), (reach, reach)), mode="reflect")
    total = wide[:, reach : reach + width] * line[0]
    for k in range(1, reach + 1):
        pair = wide[:, reach - k : reach - k + width] + wide[:, reach + k : reach + k + width]
        total = total + pair * line[k]
    return total
