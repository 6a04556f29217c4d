"""The interval of an AUROC whose samples come in groups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adversity.metrics.auroc_interval import chernoff
from adversity.metrics.grouped import SampleGroups, group_numbers, wilson_of_any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.auroc_interval import Placements

__all__ = ["grouped_auroc_interval"]

_ENOUGH = 10
"""So many groups of the smaller side on either side of the AUROC make the variance reliable."""


def grouped_auroc_interval(
    value: float, placed: Placements, groups: tuple[ArrayLike, ArrayLike], level: float
) -> tuple[float, float, str]:
    """Return bounds and method: Obuchowski's on the logit scale, or a bound where few decide.

    A group adds the sum of its known samples' placements and that of its unknown ones, less their
    means; what groups add is independent. Where fewer than 10 groups of the smaller side would lie
    on either side of the AUROC, it is Wilson's for as many samples as there are groups of equal
    size, or Chernoff's for half as many where groups have samples on both sides, as in `auroc`.
    Quantiles are Student's with as many degrees of freedom.

    Args:
        value: The AUROC.
        placed: The samples that it is of.
        groups: Of the known and of the unknown samples, `[N]` and `[M]`, one name for one group.
        level: Confidence level.

    Reference:
        N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", 1997, equation 4.
    """
    n, m = len(placed.known), len(placed.unknown)
    numbers = group_numbers(np.concatenate([np.asarray(g, dtype=object) for g in groups]))
    sides = (numbers[:n], placed.known - value, n), (numbers[n:], placed.unknown - value, m)
    count = int(numbers.max()) + 1
    sums = [np.bincount(own, values, minlength=count) / size for own, values, size in sides]
    sizes = [np.bincount(own, minlength=count) for own, _, _ in sides]
    # Each side is corrected for its own number of groups, what both share for that of all.
    counts = [int((size > 0).sum()) for size in sizes]
    products = [float((a * b).sum()) for a, b in (sums[:1] * 2, sums[1:] * 2, sums)]
    error = math.inf
    if min(counts) > 1:
        parts = zip((*counts, count), products, (1, 1, 2), strict=True)
        variance = sum(k / (k - 1) * product * times for k, product, times in parts)
        error = max(placed.error(value), math.sqrt(max(0.0, variance)))
    present = [size[size > 0].astype(np.float64) for size in sizes]
    fewest = min((SampleGroups(size, size) for size in present), key=lambda one: one.effective)
    z = fewest.quantile(level)
    if 0 < error < math.inf and fewest.effective * min(value, 1 - value) >= _ENOUGH:
        middle = math.log(value / (1 - value))
        half = z * error / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-at)) for at in (middle - half, middle + half))
        return low, high, "obuchowski, logit, grouped"
    if not ((sizes[0] > 0) & (sizes[1] > 0)).any():
        return *wilson_of_any(value, fewest.effective, z), "wilson, the fewer groups, grouped"
    low, high = chernoff(value, int(fewest.effective // 2), level)
    return min(low, value), max(high, value), "chernoff, half of the fewer groups, grouped"
