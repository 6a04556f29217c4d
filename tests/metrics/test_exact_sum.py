"""The sum that is rounded once, against Python's own, bit for bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.metrics.exact_sum import exact_sum

numbers = st.floats(-1e300, 1e300, allow_nan=False)


@given(st.lists(numbers, min_size=1, max_size=400))
def test_it_is_python_s_exactly_rounded_sum(values: list[float]) -> None:
    """Whatever the sizes: tiny beside huge, and what cancels."""
    assert math.copysign(1.0, exact_sum(np.array(values))) == math.copysign(1.0, math.fsum(values))
    assert exact_sum(np.array(values)) == math.fsum(values)


@pytest.mark.parametrize("seed", range(40))
def test_of_many_values_too(seed: int) -> None:
    """Several levels of blocks, in any order; a plain sum differs in some of these cases."""
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=int(rng.integers(2, 30_000))) ** int(rng.integers(1, 6))
    exact = math.fsum(values.tolist())
    assert exact_sum(values) == exact
    assert exact_sum(rng.permutation(values)) == exact


def test_sums_that_round_otherwise_are_told_apart() -> None:
    """The twins that fail: NumPy's sum, and one with the split alone where it lies on a tie."""
    rng = np.random.default_rng(0)
    drawn = [rng.exponential(size=5000) ** 3 for _ in range(100)]
    assert sum(float(values.sum()) != exact_sum(values) for values in drawn) > 10
    tie = np.concatenate([[1.0, 2.0**-53], np.full(200, 2.0**-120)])
    assert float(tie.astype(np.longdouble).sum()) == float(tie.sum()) == 1.0
    assert exact_sum(tie) == 1 + 2.0**-52


@given(st.lists(st.floats(-1e-307, 1e-307), min_size=1, max_size=50))
def test_the_smallest_numbers_are_summed_exactly(values: list[float]) -> None:
    """Also those that have fewer digits."""
    assert exact_sum(np.array(values)) == math.fsum(values)


def test_an_overflow_is_said_as_before() -> None:
    """Python's sum refuses it, and so does this one."""
    with pytest.raises(OverflowError):
        exact_sum(np.full(4, 1.7e308))
