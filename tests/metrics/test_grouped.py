"""Intervals for samples in groups: closed forms, a bootstrap of groups, and what they hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity.contracts.values import Measure
from adversity.metrics import (
    accuracy_of,
    are_grouped,
    auroc,
    binned,
    calibration_error,
    failure_distance,
    fpr_at_95_tpr,
    grouped,
    grouped_calibration,
    grouped_interval,
    grouped_records,
    mean_interval,
    paired_difference,
    wilson,
)
from adversity.metrics.grouped import SampleGroups, grouped_quantile

ALONE = np.array([None] * 40, dtype=object)


def named(sizes: Any) -> Any:
    """Return the group of each sample, of groups of these sizes."""
    return np.repeat([f"g{i}" for i in range(len(sizes))], sizes).astype(object)


def alike(rng: Any, groups: Any, rho: float) -> Any:
    """Return standard normal values of which those of a group have this correlation."""
    _, index = np.unique(groups, return_inverse=True)
    shared = rng.normal(size=index.max() + 1)[index]
    return math.sqrt(rho) * shared + math.sqrt(1 - rho) * rng.normal(size=len(index))


def test_samples_without_groups_are_independent() -> None:
    """Nothing shares a group: the measure is left as it is, to the bit."""
    right = np.arange(40) % 3 > 0
    measure = accuracy_of(right)
    for groups in (None, ALONE, np.array([f"g{i}" for i in range(40)], dtype=object)):
        assert not are_grouped(groups)
        assert grouped(measure, right, groups) is measure


def test_of_groups_of_one_size_it_is_students_of_their_means() -> None:
    """The closed form: t of 8 group means, which have more spread than 40 rows would say."""
    rng = np.random.default_rng(0)
    groups = named([5] * 8)
    values = alike(rng, groups, 0.8)
    means = values.reshape(8, 5).mean(1)
    low, high, method = grouped_interval(values, groups) or (0, 0, "")
    expected = stats.t.interval(0.95, 7, means.mean(), means.std(ddof=1) / math.sqrt(8))
    np.testing.assert_allclose((low, high), expected, rtol=1e-12)  # sums in another order
    assert method == "student t, grouped"
    iid = mean_interval(values)
    assert high - low > 1.5 * (iid.high - iid.low)  # type: ignore[operator]  # it has bounds


def test_groups_of_one_sample_give_students_interval() -> None:
    """n groups of one: the jackknife of a mean is its standard error."""
    values = np.random.default_rng(1).normal(size=40)
    low, high, _ = grouped_interval(values, ALONE) or (0, 0, "")
    measure = mean_interval(values)
    np.testing.assert_allclose((low, high), (measure.low, measure.high), rtol=1e-12)


def test_the_spread_is_that_of_a_bootstrap_of_groups() -> None:
    """Of 60 unequal groups drawn again 4 000 times; both are estimates, so 8 %."""
    rng = np.random.default_rng(2)
    sizes = 1 + rng.geometric(0.1, 60)
    groups = named(sizes)
    right = (alike(rng, groups, 0.5) < 0.5).astype(float)
    own = SampleGroups.of(right, groups)
    drawn = rng.integers(0, 60, (4000, 60))
    shares = own.sums[drawn].sum(1) / own.sizes[drawn].sum(1)
    assert math.sqrt(own.variance()) == pytest.approx(shares.std(), rel=0.08)


def test_a_share_is_wilsons_of_fewer_samples() -> None:
    """40 verdicts that agree in each of 8 groups say no more than 8, whatever their number."""
    right = np.repeat(np.arange(8) < 6, 5)
    low, high, method = grouped_interval(right, named([5] * 8)) or (0, 0, "")
    assert method == "wilson, grouped"
    least, most = wilson(6, 8)
    assert low < least < wilson(30, 40)[0] < 0.75 < wilson(30, 40)[1] < most < high
    certain = grouped_interval(np.ones(40, dtype=bool), named([5] * 8)) or (1, 0, "")
    assert certain[0] < 0.75 < certain[1] == 1.0  # all of 8 groups: a ninth may be wrong


@pytest.mark.parametrize(("count", "rho", "p"), [(5, 0.9, 0.9), (20, 0.5, 0.97), (50, 0.2, 0.6)])
def test_shares_hold_the_truth(count: int, rho: float, p: float) -> None:
    """In 94 % of 600 draws or more, less 2 standard errors; Wilson's own does not."""
    rng, held, iid = np.random.default_rng(3), 0, 0
    for _ in range(600):
        sizes = 1 + rng.geometric(0.1, count)
        chance = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho, count)
        right = rng.random(sizes.sum()) < np.repeat(chance, sizes)
        low, high, _ = grouped_interval(right, named(sizes)) or (0, 0, "")
        held += low <= p <= high
        least, most = wilson(int(right.sum()), len(right))
        iid += least <= p <= most
    assert held / 600 > 0.94 - 2 * math.sqrt(0.94 * 0.06 / 600)
    assert iid / 600 < 0.92


def test_one_group_says_next_to_nothing() -> None:
    """A share of one group goes from about 0 to 1; numbers have no interval."""
    one = named([40])
    low, high, _ = grouped_interval(np.arange(40) < 30, one) or (1, 0, "")
    assert low < 0.02
    assert high > 0.98
    values = np.arange(40.0)
    bare = grouped(mean_interval(values), values, one)
    assert (bare.low, bare.high, bare.method) == (None, None, None)
    assert "samples which come in groups" in bare.convention["interval"]


def test_an_interval_is_cut_to_its_range() -> None:
    """A Brier score does not go below 0, however few the groups."""
    values = np.repeat([0.0, 0.0, 1.0], 4)
    measure = mean_interval(values, within=(0.0, 2.0))
    found = grouped(measure, values, named([4] * 3), within=(0.0, 2.0))
    assert found.low == 0.0
    assert found.value == measure.value


def test_a_median_goes_between_groups() -> None:
    """It holds the truth where order statistics do not; an end that is open has no interval."""
    rng, held, iid = np.random.default_rng(4), 0, 0
    for _ in range(300):
        groups = named([10] * 15)
        values = np.exp(alike(rng, groups, 0.5))
        low, high = grouped_quantile(values, groups, 0.5)
        held += low <= 1 <= high
        measure = failure_distance(values, norm="l2")
        assert measure is not None
        iid += measure.low <= 1 <= measure.high  # type: ignore[operator]  # it has bounds
    assert held / 300 > 0.94 - 2 * math.sqrt(0.94 * 0.06 / 300)
    assert iid / 300 < 0.75
    few = failure_distance([1.0, 1.0, 2.0, 2.0], norm="l2", groups=named([2, 2]))
    assert few is not None
    assert (few.value, few.low, few.method) == (1.5, None, None)


def test_paired_differences_are_those_of_groups() -> None:
    """Numbers by the closed form, verdicts with a floor; the p-value is Student's."""
    rng = np.random.default_rng(5)
    groups = named([6] * 10)
    a, b = alike(rng, groups, 0.9), alike(rng, groups, 0.9)
    found = paired_difference(a, b, groups=groups)
    means = (a - b).reshape(10, 6).mean(1)
    test = stats.ttest_1samp(means, 0)
    np.testing.assert_allclose((found.low, found.high), test.confidence_interval(), rtol=1e-12)
    assert found.details["p_value"] == pytest.approx(test.pvalue, rel=1e-12)
    assert (found.details["groups"], found.method) == (10, "student t, paired, grouped")
    same = paired_difference(a > 0, a > 0, groups=groups)
    assert (same.value, same.details["p_value"]) == (0.0, 1.0)
    assert same.low == -same.high < -0.2  # type: ignore[operator]  # 10 groups leave as much open
    assert paired_difference(a, b, groups=None) == paired_difference(a, b)


def test_an_auroc_spreads_as_in_a_bootstrap_of_groups() -> None:
    """Obuchowski's error against 600 draws of 80 groups, each with samples on both sides: 12 %."""
    rng = np.random.default_rng(6)
    groups = named([6] * 80)
    known, unknown = alike(rng, groups, 0.6), 1 + alike(rng, groups, 0.6)
    found = auroc(known, unknown, groups=(groups, groups))
    values = []
    for _ in range(600):
        rows = (6 * rng.integers(0, 80, 80)[:, None] + np.arange(6)).ravel()
        values.append(auroc(known[rows], unknown[rows]).value)
    assert found.method == "obuchowski, logit, grouped"
    logit = [math.log(x / (1 - x)) for x in (found.low or 0, found.high or 0)]
    slope = 1 / (found.value * (1 - found.value))
    error = (logit[1] - logit[0]) / 2 / stats.t.ppf(0.975, 79) / slope
    assert error == pytest.approx(np.std(values), rel=0.12)


def test_an_auroc_of_few_groups_holds_the_truth() -> None:
    """12 groups a side, apart or in both: Wilson and Chernoff hold it, DeLong's does not."""
    rng, held, iid = np.random.default_rng(7), 0, 0
    groups = named([8] * 12)
    for turn in range(200):
        other = groups if turn % 2 else np.array([f"t{name}" for name in groups], dtype=object)
        known, unknown = alike(rng, groups, 0.8), 1 + alike(rng, groups, 0.8)
        truth = stats.norm.cdf(1 / math.sqrt(2))
        found, bare = auroc(known, unknown, groups=(groups, other)), auroc(known, unknown)
        held += found.low <= truth <= found.high  # type: ignore[operator]  # both have bounds
        iid += bare.low <= truth <= bare.high  # type: ignore[operator]
    assert held / 200 > 0.94
    assert iid / 200 < 0.8


def test_false_alarms_hold_the_truth() -> None:
    """The threshold's bounds and the share's, both of groups."""
    rng, held, iid = np.random.default_rng(8), 0, 0
    groups = named([10] * 40)
    other = np.array([f"t{name}" for name in groups], dtype=object)
    truth = 1 - stats.norm.cdf(1.5 - stats.norm.ppf(0.95))
    for _ in range(150):
        known, unknown = alike(rng, groups, 0.9), 1.5 + alike(rng, groups, 0.9)
        found = fpr_at_95_tpr(known, unknown, groups=(groups, other))
        bare = fpr_at_95_tpr(known, unknown)
        held += found.low <= truth <= found.high  # type: ignore[operator]  # both have bounds
        iid += bare.low <= truth <= bare.high  # type: ignore[operator]
    assert held / 150 > 0.94
    assert iid / 150 < 0.8


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_a_calibration_error_holds_the_truth(gap: float) -> None:
    """The binned error at these confidences, by the chances that the verdicts were drawn with."""
    rng, held, iid = np.random.default_rng(9), 0, 0
    groups = named([10] * 20)
    for _ in range(150):
        sure = rng.uniform(0.5, 1, len(groups))
        chance = np.clip(sure - gap, 0.02, 0.98)
        right = stats.norm.cdf(alike(rng, groups, 0.9)) < chance
        bins = binned(sure, right)
        bare = calibration_error(bins)
        found = grouped_calibration(bare, bins, sure, right, groups)
        index = np.searchsorted(bins.high, sure)
        sums = [abs((chance - sure)[index == at].sum()) for at in range(len(bins.n))]
        truth = sum(sums) / len(sure)
        held += found.low <= truth <= found.high  # type: ignore[operator]  # both have bounds
        iid += bare.low <= truth <= bare.high  # type: ignore[operator]
        assert found.value == bare.value
    assert held / 150 > 0.94
    assert gap == 0 or iid / 150 < 0.9


def test_bins_have_intervals_of_their_groups() -> None:
    """Wider than Wilson's; from 0 to 1 nearly where a bin has rows of one group."""
    rng = np.random.default_rng(10)
    groups = named([10] * 20)
    sure = rng.uniform(0.5, 1, len(groups))
    right = alike(rng, groups, 0.9) < 1
    bins = binned(sure, right, bins=10)
    for own, bare in zip(grouped_records(bins, sure, right, groups), bins.records(), strict=True):
        assert {**own, "accuracy_low": 0, "accuracy_high": 0} == {
            **bare,
            "accuracy_low": 0,
            "accuracy_high": 0,
        }
        assert (
            own["accuracy_high"] - own["accuracy_low"]
            > bare["accuracy_high"] - bare["accuracy_low"]
        )


def test_a_measure_without_interval_stays_without() -> None:
    """There is nothing to take away, and nothing is said."""
    bare = Measure(1.0, 3)
    assert grouped(bare, [1.0, 1.0, 1.0], named([3])) is bare
