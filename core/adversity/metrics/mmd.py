"""The maximum mean discrepancy: whether two tables of features are draws from one distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.two_sides import TwoSides, counted, two_feature_tables

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats
    from adversity.metrics.two_sides import Flags

__all__ = ["mmd"]

_MIXED = (0.25, 0.5, 1.0, 2.0, 4.0)
"""The widths of a mixture, as shares of the given one."""
_VALUES = 1 << 21
"""Kernel values that are there at once: 16 MiB."""
_MEDIAN_OF = 2000
"""The median is that of the distances between so many samples, where there are more."""


def mmd(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    kernel: Literal["gaussian", "mixture"] = "gaussian",
    width: float | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> Measure:
    """Return the unbiased estimate of the squared maximum mean discrepancy, with its p-value.

    Two distributions are the same if and only if its expectation is 0, with these kernels. The
    estimate may lie below 0. The kernel of two samples at a distance d is exp(-d^2 / (2 width^2)),
    or the mean of five such, with 1/4, 1/2, 1, 2 and 4 times the width. Time grows with the square
    of n + m, memory does not: some rows of the kernel are there at once.

    Args:
        first: `[n, D]` features, or `[n]`.
        second: `[m, D]`.
        groups: Names of either side, `[n]` and `[m]`, None for a sample that is a group of its own.
            Groups are dealt as a whole; the parts of what is named on both sides are swapped.
        kernel: One width, or five.
        width: Of the kernel, above 0; None for the median distance between samples of both sides
            together, those of equal ones left out, and beyond 2000 samples that of as many.
        permutations: Of which the p-value is counted.
        seed: Of the permutations.

    Returns:
        The measure; `details["p_value"]` is (b + 1) / (permutations + 1), with b the permutations
        that give as much or more: uniform if both sides come from one distribution.

    Raises:
        DataError: The tables do not fit, a side has fewer than 2 samples, or the width is none.

    Reference:
        A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schölkopf, A. Smola, "A kernel two-sample
        test", 2012, equation 3, and section 8 for the median; Y. Li, K. Swersky, R. Zemel,
        "Generative moment matching networks", 2015, for mixtures. Where we differ: p-values count
        the observed deal, and allow for groups.

    Example:
        >>> found = mmd([0.0, 1.0, 2.0], [5.0, 6.0, 7.0], width=1.0)
        >>> round(found.value, 4), found.details["p_value"] <= 0.2
        (0.8963, True)
    """
    a, b = two_feature_tables(first, second, permutations)
    if width is not None and not 0 < width < np.inf:
        raise DataError(f"expected a kernel width above 0, got {width}: or none, for the median")
    rng = np.random.Generator(np.random.Philox(seed))
    sides = TwoSides.of((len(a), len(b)), groups)
    rows = np.concatenate([a, b])
    rows -= rows.mean(axis=0)  # distances stay, and less is lost in their squares
    by = "given" if width is not None else "median distance"
    if width is None:
        width = _median_distance(rows, rng)
    deals = np.concatenate([sides.second[:, None], sides.dealt(permutations, rng)], axis=1)
    widths = np.array([1.0] if kernel == "gaussian" else _MIXED) * width
    found = _unbiased(rows, deals, widths)
    return Measure(
        value=float(found[0]),
        n=len(rows),
        convention={
            "estimator": "squared, unbiased; may lie below 0",
            "kernel": f"{kernel}, exp(-d^2 / (2 width^2))",
            "width": float(width),
            "width_by": by,
            "test": f"{permutations} permutations: {sides.said()}; (b + 1) / (m + 1)",
        },
        details={
            "p_value": counted(float(found[0]), found[1:]),
            "permutations": permutations,
            "seed": seed,
        },
    )


def _median_distance(rows: Floats, rng: np.random.Generator) -> float:
    """Return the median distance between different samples; 1 where all are equal."""
    some = rows
    if len(rows) > _MEDIAN_OF:
        some = rows[np.sort(rng.choice(len(rows), _MEDIAN_OF, replace=False))]
    squares = _squares(some, slice(0, len(some)))[np.triu_indices(len(some), 1)]
    # Rounding leaves of equal rows a square of this size.
    apart = squares[squares > 1e-12 * max(1e-300, float(squares.max()))]
    return float(np.median(np.sqrt(apart))) if len(apart) else 1.0


def _squares(rows: Floats, part: slice) -> Floats:
    """Return the squared distances of some rows to all, `[b, N]`."""
    norms = np.einsum("nd,nd->n", rows, rows)
    squares = norms[part, None] + norms[None, :] - 2 * rows[part] @ rows.T
    np.maximum(squares, 0.0, out=squares)
    at = np.arange(part.start, part.stop)
    squares[at - part.start, at] = 0.0
    found: Floats = squares
    return found


def _unbiased(rows: Floats, deals: Flags, widths: Floats) -> Floats:
    """Return the estimate for each way to deal the rows, `[B]`.

    Args:
        rows: `[N, D]`.
        deals: `[N, B]`, which rows are second.
        widths: Of the kernels whose mean is taken.

    Returns:
        NaN where a side has fewer than 2 rows.
    """
    is_second = deals.astype(np.float64)
    within, across, total = np.zeros(deals.shape[1]), np.zeros(deals.shape[1]), 0.0
    step = max(1, _VALUES // len(rows))
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        squares = _squares(rows, part)
        values = np.zeros_like(squares)
        for width in widths:
            values += np.exp(squares / (-2 * width * width))
        values /= len(widths)
        from_each = values.sum(axis=1)
        within += np.einsum("nb,nb->b", is_second[part], values @ is_second)
        across += from_each @ is_second[part]
        total += float(from_each.sum())
    m = is_second.sum(axis=0)
    n = len(rows) - m
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (
            (total - 2 * across + within - n) / (n * (n - 1))
            + (within - m) / (m * (m - 1))
            - 2 * (across - within) / (n * m)
        )
    found[(n < 2) | (m < 2)] = np.nan
    return found
