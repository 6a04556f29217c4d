"""Scores, widths and quantiles of stated Gaussians: closed forms, simulations and peers.

Recorded with uncertainty-toolbox 0.1.1 and properscoring 0.1 on `drawn()`.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from adversity import metrics
from adversity.errors import DataError


def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means, variances and targets whose errors are 1.3 times as wide as stated."""
    rng = np.random.default_rng(5)
    target, variance = rng.normal(0, 5, 2000), rng.uniform(1, 4, 2000)
    return target + rng.normal(0, 1.3, 2000) * np.sqrt(variance), variance, target


def error(mean, variance, target, **more):
    """Return the quantile calibration error of stated Gaussians."""
    return metrics.quantile_calibration(metrics.quantile_ranks(mean, variance, target), **more)


@pytest.mark.parametrize(("mean", "variance", "target"), [(0, 1, 0), (2, 4, -1), (0.5, 0.01, 0.9)])
def test_the_score_is_the_integral_of_its_definition(mean, variance, target) -> None:
    """Squared difference of the distribution function and the target's step (1e-7: quadrature)."""
    sigma = math.sqrt(variance)

    def below(y: float) -> float:
        return norm.cdf(y, mean, sigma) ** 2

    def above(y: float) -> float:
        return norm.sf(y, mean, sigma) ** 2

    low, high = min(mean - 12 * sigma, target), max(mean + 12 * sigma, target)
    expected = quad(below, low, target)[0] + quad(above, target, high)[0]
    found = metrics.crps_values([mean], [variance], [target])
    assert found[0] == pytest.approx(expected, abs=1e-7)


def test_the_right_gaussian_scores_sigma_over_root_pi() -> None:
    """.5642 on average, four standard errors of 200 000 draws; twice as wide it is worse."""
    draws = np.random.default_rng(0).standard_normal(200_000)
    zero, one = np.zeros_like(draws), np.ones_like(draws)
    right, wide = (metrics.crps_values(zero, scale * one, draws) for scale in (1, 4))
    assert right.mean() == pytest.approx(1 / math.sqrt(math.pi), abs=4 * right.std() / 200_000**0.5)
    assert wide.mean() > right.mean() + 0.03
    held = metrics.covered(zero, one, draws, level=0.9)
    assert held.mean() == pytest.approx(0.9, abs=4 * 0.3 / 200_000**0.5)


def test_the_score_is_that_of_two_packages() -> None:
    """uncertainty-toolbox and properscoring, 1e-12."""
    assert metrics.crps_values(*drawn()).mean() == pytest.approx(1.178949554315096, abs=1e-12)


def test_the_score_of_a_sharp_gaussian_is_the_absolute_error() -> None:
    """As the variance goes to 0, and it scales as the target does."""
    found = metrics.crps_values([[3.0, -1.0]], [[1e-16, 1e-16]], [[1.0, 1.0]])
    assert found == pytest.approx([2.0], abs=1e-7)
    mean, variance, target = drawn()
    inches = metrics.crps_values(mean / 2.54, variance / 2.54**2, target / 2.54)
    np.testing.assert_allclose(inches * 2.54, metrics.crps_values(mean, variance, target))


def test_an_interval_is_as_wide_as_its_ends_are_apart() -> None:
    """From the 5 % to the 95 % quantile; what it covers lies between them."""
    low, high = norm.ppf([0.05, 0.95], 0, 3)
    assert metrics.interval_widths([9.0], level=0.9)[0] == pytest.approx(high - low, rel=1e-14)
    assert metrics.covered([0, 0], [9, 9], [high - 1e-9, high + 1e-9], level=0.9).tolist() == [
        [True],
        [False],
    ]
    assert metrics.interval_widths([[1.0, 9.0]], level=0.9)[0] == pytest.approx(
        2 * (high - low) / 3, rel=1e-14
    )


def test_quantile_calibration_is_uncertainty_toolboxs() -> None:
    """Of 21 quantiles it counts 0 and 1 as two without error: 19/21 of ours, .0423095 (1e-12).

    It takes residuals the other way round, so its shares are of targets above.
    """
    found = error(*drawn())
    assert found.value * 19 / 21 == pytest.approx(0.042309523809523825, abs=1e-12)
    above = 1 - np.array(found.details["shares"][::-1])
    assert above[:3] == pytest.approx([0.111, 0.163, 0.2075], abs=1e-12)
    gaps = np.abs(above - np.arange(1, 20) / 20)
    assert found.details["largest"] == pytest.approx(gaps.max(), abs=1e-12)


def test_a_curve_of_a_too_narrow_gaussian() -> None:
    """Stated 1, in truth s: below quantile q lie Phi(z_q / s); 1.5e-2 is the DKW band of 40 000 at 1e-7.

    One that is right has an error within the band; the curve is what the details draw.
    """
    draws = np.random.default_rng(2).standard_normal(40_000)
    zero, one = np.zeros_like(draws), np.ones_like(draws)
    quantiles = np.arange(1, 20) / 20
    narrow = error(zero, one, 2 * draws)
    expected = norm.cdf(norm.ppf(quantiles) / 2)
    assert narrow.details["shares"] == pytest.approx(expected, abs=1.5e-2)
    assert narrow.low <= np.abs(expected - quantiles).mean() <= narrow.high
    assert narrow.details["plot"]["x"][1:-1] == quantiles.tolist()
    assert narrow.details["plot"]["y"][1:-1] == narrow.details["shares"]
    right = error(zero, one, draws)
    assert right.value < 0.01 < narrow.low
    assert error(zero, one, draws + 1).value > 0.2  # a shift shows as well as a spread


def test_the_interval_covers() -> None:
    """In at least 92 % of 200 draws it holds the error of the distribution itself."""
    rng, quantiles = np.random.default_rng(3), np.arange(1, 20) / 20
    truth = np.abs(norm.cdf(norm.ppf(quantiles) / 1.3) - quantiles).mean()
    held = 0
    for _ in range(200):
        found = error(np.zeros(60), np.ones(60), 1.3 * rng.standard_normal(60))
        held += found.low <= truth <= found.high
    assert held >= 184


def test_vectors_have_no_interval() -> None:
    """The numbers of a vector hang together; their shares count all alike."""
    mean, variance, target = (column.reshape(1000, 2) for column in drawn())
    found = error(mean, variance, target)
    assert (found.n, found.low, found.method) == (1000, None, None)
    assert found.value == pytest.approx(error(*drawn()).value, abs=1e-15)


def test_what_is_no_gaussian_is_refused() -> None:
    """No variance, no ranks, no quantiles."""
    with pytest.raises(DataError, match="variance above 0"):
        metrics.crps_values([0.0], [0.0], [0.0])
    with pytest.raises(DataError, match="variance above 0"):
        metrics.interval_widths([-1.0], level=0.9)
    with pytest.raises(DataError, match="expected ranks"):
        metrics.quantile_calibration([[1.5]])
    with pytest.raises(DataError, match="expected levels"):
        metrics.quantile_calibration([[0.5]], levels=0)
