"""The difference of two RMSE on the same samples, against the bootstrap and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adversity import metrics

DRAWS = 4_000
"""The bootstrap's own spread is then 1 / sqrt(2 * 4000), about 1 % of what it estimates."""


def drawn(count: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets, estimates and worse ones whose errors have much in common."""
    rng = np.random.default_rng(seed)
    target, shared = rng.normal(0, 10, count), rng.normal(0, 3, count)
    return target, target + shared, target + shared + rng.normal(0, 2, count)


def gains_of_draws(units: list[np.ndarray], *columns: np.ndarray) -> np.ndarray:
    """Return the gain in each draw of as many units with replacement."""
    target, after, before = columns
    rng, found = np.random.default_rng(1), []
    for _ in range(DRAWS):
        rows = np.concatenate([units[i] for i in rng.integers(0, len(units), len(units))])
        roots = [np.sqrt(np.mean((said - target)[rows] ** 2)) for said in (before, after)]
        found.append(roots[0] - roots[1])
    return np.array(found)


def half(measure: object) -> float:
    """Return half the width of an interval."""
    return (measure.high - measure.low) / 2  # type: ignore[attr-defined, no-any-return]


def test_the_gain_is_the_difference_of_both() -> None:
    """Above 0 where the errors are smaller, and the negative where the two change places."""
    target, after, before = drawn()
    gain = metrics.rmse_gain(after, before, target)
    assert gain.value == metrics.rmse(before, target).value - metrics.rmse(after, target).value > 0
    back = metrics.rmse_gain(before, after, target)
    assert (back.value, back.low, back.high) == (-gain.value, -gain.high, -gain.low)  # type: ignore[operator]
    assert gain.better == "higher"


def test_the_interval_is_the_bootstraps() -> None:
    """1.966 of its standard deviations (Student's, 399 degrees of freedom), to 5 %.

    Much narrower than the two intervals apart, since the errors have much in common.
    """
    target, after, before = drawn()
    gain = metrics.rmse_gain(after, before, target)
    spread = gains_of_draws([np.array([i]) for i in range(400)], target, after, before).std()
    assert half(gain) == pytest.approx(1.966 * spread, rel=0.05)
    assert half(gain) < half(metrics.rmse(before, target))


def test_groups_are_drawn_whole() -> None:
    """Samples that agree within 40 groups: the spread is that of draws of groups, to 10 %."""
    rng = np.random.default_rng(3)
    of_groups = np.repeat(rng.normal(0, 2, 40), 10)
    target, shared = rng.normal(0, 10, 400), rng.normal(0, 3, 400)
    after, before = target + shared, target + shared + of_groups + rng.normal(0, 1, 400)
    groups = np.repeat([f"g{i}" for i in range(40)], 10)
    gain = metrics.rmse_gain(after, before, target, groups=groups)
    units = [np.arange(10 * i, 10 * i + 10) for i in range(40)]
    spread = gains_of_draws(units, target, after, before).std()
    assert half(gain) == pytest.approx(2.023 * spread, rel=0.1)  # Student's, 39
    assert half(gain) > 1.2 * half(metrics.rmse_gain(after, before, target))
    assert str(gain.method).endswith("grouped")


def test_the_interval_holds_the_truth() -> None:
    """Of 500 draws of 60 samples about 95 % hold the true gain, sqrt(13) - 3.

    Two standard deviations of the share are 0.02, and squares are skewed.
    """
    truth, held = math.sqrt(13) - 3, 0
    for seed in range(500):
        target, after, before = drawn(60, seed)
        gain = metrics.rmse_gain(after, before, target)
        held += gain.low <= truth <= gain.high  # type: ignore[operator]
    assert held / 500 == pytest.approx(0.945, abs=0.03)


def test_equal_errors_differ_rarely() -> None:
    """Where both are as good, the test finds a difference of 5 % in about one of twenty draws."""
    found = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        errors = rng.normal(0, 1, (2, 80)) + rng.normal(0, 1, 80)
        found += metrics.rmse_gain(*errors, np.zeros(80)).details["p_value"] < 0.05
    assert found / 500 == pytest.approx(0.05, abs=0.03)


def test_vectors_are_means_over_their_numbers() -> None:
    """A vector whose numbers are all alike has the gain of one, interval included."""
    target, after, before = drawn(50)
    one = metrics.rmse_gain(after, before, target)
    wide = (np.repeat(column[:, None], 3, 1) for column in (after, before, target))
    three = metrics.rmse_gain(*wide)
    for name in ("value", "low", "high"):
        assert getattr(three, name) == pytest.approx(getattr(one, name), rel=1e-12)


def test_nothing_to_compare_has_no_interval() -> None:
    """The same estimates twice: a gain of 0, and nothing varies; perfect ones have no share."""
    target, after, _ = drawn(30)
    same = metrics.rmse_gain(after, after, target)
    assert (same.value, same.low, same.high, same.details["p_value"]) == (0.0, None, None, None)
    perfect = metrics.rmse_gain(target, after, target)
    assert perfect.value == metrics.rmse(after, target).value
    assert perfect.low is not None
    assert perfect.low < perfect.value
