"""Errors, likelihood and coverage of numbers, against torch, scikit-learn and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from adversity import metrics
from adversity.errors import DataError

RNG = np.random.default_rng(5)
ROUNDING = 1e-12
"""Sums of some hundred float64 in another order."""


def drawn(width: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means, variances and targets of 200 samples, `[N]` or `[N, D]`."""
    shape = (200,) if width is None else (200, width)
    mean = RNG.normal(3, 10, shape)
    variance = RNG.uniform(0.5, 9, shape)
    return mean, variance, mean + RNG.normal(0, 1, shape) * np.sqrt(variance)


@pytest.mark.parametrize("width", [None, 1, 3])
def test_errors_are_scikit_learns(width: int | None) -> None:
    """RMSE, mean absolute error and R squared, uniform averages over the numbers of a vector."""
    mean, _, target = drawn(width)
    assert metrics.rmse(mean, target).value == pytest.approx(
        math.sqrt(mean_squared_error(target, mean)), rel=ROUNDING
    )
    assert metrics.absolute_errors(mean, target).mean() == pytest.approx(
        mean_absolute_error(target, mean), rel=ROUNDING
    )
    assert metrics.r_squared(mean, target) == pytest.approx(r2_score(target, mean), rel=ROUNDING)


@pytest.mark.parametrize("width", [None, 1, 3])
def test_nats_are_torchs(width: int | None) -> None:
    """The mean is that of `torch.nn.GaussianNLLLoss(full=True)`."""
    mean, variance, target = map(torch.from_numpy, drawn(width))
    loss = torch.nn.GaussianNLLLoss(full=True, eps=1e-300)(mean, target, variance)
    nats = metrics.gaussian_nats(mean.numpy(), variance.numpy(), target.numpy())
    assert nats.mean() == pytest.approx(float(loss), rel=ROUNDING)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_intervals_are_scipys(level: float) -> None:
    """A target is covered exactly where SciPy's central interval holds it."""
    mean, variance, target = drawn(2)
    low, high = stats.norm(mean, np.sqrt(variance)).interval(level)
    held = metrics.covered(mean, variance, target, level=level)
    np.testing.assert_array_equal(held, (low <= target) & (target <= high))
    # Of 400 true Gaussians four standard deviations of the share are 0.1 at most.
    assert held.mean() == pytest.approx(level, abs=0.1)


def test_interval_of_the_rmse_holds_the_truth() -> None:
    """Of 400 draws of 100 errors each, about 95 % of the intervals hold the true RMSE of 2."""
    rng = np.random.default_rng(0)
    found = [metrics.rmse(rng.normal(0, 2, 100), np.zeros(100)) for _ in range(400)]
    held = [m.low <= 2 <= m.high for m in found if m.low is not None and m.high is not None]
    # Squared errors are skewed, which costs a percent or two; 0.03 is three standard deviations.
    assert len(held) == 400
    assert np.mean(held) == pytest.approx(0.945, abs=0.03)


def test_groups_widen_the_interval_of_the_rmse() -> None:
    """Errors that agree within groups say less: each is counted twenty times without them."""
    errors = np.repeat(np.random.default_rng(1).normal(0, 2, 20), 20)
    groups = np.repeat([f"g{i}" for i in range(20)], 20)
    alone = metrics.rmse(errors, np.zeros(400))
    grouped = metrics.rmse(errors, np.zeros(400), groups)
    assert grouped.value == alone.value
    assert grouped.method == "student t of the mean square, grouped"
    assert None not in (alone.low, alone.high, grouped.low, grouped.high)
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)  # type: ignore[operator]


def test_what_has_no_variance_has_no_r_squared() -> None:
    """Equal targets leave nothing to be explained, in any of the numbers."""
    assert metrics.r_squared([1.0, 2.0], [3.0, 3.0]) is None
    assert metrics.r_squared([[1.0, 1.0], [2.0, 2.0]], [[1.0, 3.0], [2.0, 3.0]]) is None
    assert metrics.r_squared([2.0, 2.0], [1.0, 3.0]) == 0.0
    # The mean of three times 0.1 is rounded to another number: their variance is 1e-34, not 0.
    assert metrics.r_squared([1.0, 2.0, 3.0], [0.1, 0.1, 0.1]) is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.rmse([1.0], [1.0, 2.0]), "a number for each target"),
        (lambda: metrics.rmse([], []), "a number for each target"),
        (lambda: metrics.rmse([np.nan], [1.0]), "finite"),
        (lambda: metrics.rmse(np.zeros((1, 1, 1)), np.zeros((1, 1, 1))), "[N] or [N, D]"),
        (lambda: metrics.gaussian_nats([0.0], [0.0], [0.0]), "above 0"),
        (lambda: metrics.gaussian_nats([0.0], [1.0, 1.0], [0.0]), "above 0 for each"),
        (lambda: metrics.covered([0.0], [-1.0], [0.0], level=0.9), "above 0"),
    ],
)
def test_what_is_no_number_is_refused(call: object, says: str) -> None:
    """Nothing is broadcast, left out or clamped."""
    with pytest.raises(DataError) as refused:
        call()  # type: ignore[operator]
    assert says in str(refused.value)
