"""Calibration errors by their norms and over classes, against closed forms, peers and simulations.

Values of peers were recorded with torchmetrics 1.9.0, netcal 1.4.0, MAPIE 1.6.0 and
torch-uncertainty 0.13.0 in environments of their own, on the draws of `conftest.py` named here.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from adversity import metrics
from adversity.errors import DataError
from adversity.metrics import calibration_error
from adversity.metrics.reliability import binned

DRAWS = {
    "ten": {"n": 10_000, "classes": 10, "scale": 1.7, "seed": 0},
    "few": {"n": 250, "classes": 3, "scale": 1.2, "seed": 1},
    "two": {"n": 3000, "classes": 2, "scale": 1.5, "seed": 2},
}


def given(draw, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels of a draw."""
    logits, labels = draw(**DRAWS[name])
    return softmax(logits, axis=1), labels


def two_bins():
    """Gaps .1 (3 rows) and .4 (1 row)."""
    return binned([0.9, 0.9, 0.9, 0.4], [True, True, True, False], bins=2)


def test_norms_of_two_gaps() -> None:
    """Gaps .1 and .4 weighing 3/4 and 1/4: mean .175, RMS sqrt(.0475), largest .4."""
    found = two_bins()
    assert calibration_error(found, norm="l1").value == pytest.approx(0.175, abs=1e-15)
    assert calibration_error(found, norm="l2").value == pytest.approx(0.0475**0.5, abs=1e-15)
    assert calibration_error(found, norm="max").value == pytest.approx(0.4, abs=1e-15)
    equal = calibration_error(found, norm="l2", weights="uniform")
    assert equal.value == pytest.approx(((0.01 + 0.16) / 2) ** 0.5, abs=1e-15)
    assert equal.convention["norm"] == "l2"


@pytest.mark.parametrize(
    ("norm", "name", "theirs"),
    [
        ("l2", "ten", 0.1702742874622345),
        ("max", "ten", 0.26510417461395264),
        ("l2", "few", 0.08420897275209427),
        ("max", "few", 0.6451159715652466),
    ],
)
def test_norms_are_torchmetrics(draw, norm: str, name: str, theirs: float) -> None:
    """No row lies on an edge, so only its float32 parts us: 1e-6."""
    measure = metrics.ece(*given(draw, name), norm=norm)  # type: ignore[arg-type]
    assert measure.value == pytest.approx(theirs, abs=1e-6)


def test_uniform_weights_are_netcals_ace(draw) -> None:
    """What netcal calls ACE is the mean over equal-width bins, not Nixon's: .1458 and .1174."""
    for name, theirs in (("ten", 0.14581495560459287), ("few", 0.11738835941259547)):
        probs, labels = given(draw, name)
        assert metrics.ece(probs, labels, weights="uniform").value == pytest.approx(
            theirs, abs=1e-14
        )
        assert abs(metrics.ece(probs, labels).value - theirs) > 0.01  # by count it is another


def test_equal_mass_is_torch_uncertaintys_ace(draw) -> None:
    """What it calls adaptive weighs equal-mass bins by count (.049943): float32, so 1e-6."""
    probs, labels = given(draw, "two")
    mass = metrics.ece(probs, labels, spacing="mass")
    assert mass.value == pytest.approx(0.04994302615523338, abs=1e-6)
    assert abs(metrics.ece(probs, labels).value - mass.value) > 4e-4  # of equal width it is another


def test_classwise_is_the_mean_over_classes(draw) -> None:
    """.03425 where the top class's is .16004 (torch-uncertainty, MAPIE with an edge more)."""
    probs, labels = given(draw, "ten")
    measure = metrics.ece(probs, labels, classwise=True)
    assert measure.value == pytest.approx(0.03425187027041528, abs=1e-14)
    assert metrics.ece(probs, labels).value == pytest.approx(0.160044311, abs=1e-9)
    each = [calibration_error(binned(probs[:, k], labels == k)).value for k in range(10)]
    assert measure.details["per_class"] == each
    assert measure.value == pytest.approx(np.mean(each), abs=1e-15)
    assert measure.value < np.sum(each) / 9  # a sum, or a mean over other than K, is another
    assert (measure.convention["label"], measure.convention["over"]) == (
        "classwise",
        "mean over classes",
    )
    assert measure.low < measure.value < measure.high  # type: ignore[operator]


def test_classwise_keeps_its_norm_and_spacing(draw) -> None:
    """Each class's own error of that rule, averaged."""
    probs, labels = given(draw, "few")
    for rule in ({"norm": "max"}, {"norm": "l2", "debias": True}, {"weights": "uniform"}):
        each = [
            calibration_error(binned(probs[:, k], labels == k, spacing="mass"), **rule).value  # type: ignore[arg-type]
            for k in range(3)
        ]
        whole = metrics.ece(probs, labels, classwise=True, spacing="mass", **rule)  # type: ignore[arg-type]
        assert whole.value == pytest.approx(np.mean(each), abs=1e-15)


def calibrated(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and verdicts of a model whose confidence is its chance."""
    sure = rng.uniform(0.5, 1, n)
    return sure, rng.random(n) < sure


def test_the_debiased_square_is_unbiased() -> None:
    """A calibrated model of 500 rows shows .0065 or so by plug-in, and 0 without its bias.

    1000 draws: four standard errors of their mean. The squared error itself is 0.
    """
    rng = np.random.default_rng(3)
    plug_in, debiased = [], []
    for _ in range(1000):
        found = binned(*calibrated(rng, 500))
        plug_in.append(calibration_error(found, norm="l2").value ** 2)
        debiased.append(calibration_error(found, norm="l2", debias=True).value)
    # In each bin variance / n: the mean of p (1 - p) over [.5, 1] is 1/6, eight bins, 500 rows.
    assert np.mean(plug_in) == pytest.approx(8 / 6 / 500, rel=0.1)
    assert abs(np.mean(debiased)) < 4 * np.std(debiased) / 1000**0.5
    assert np.mean(plug_in) > 20 * np.std(debiased) / 1000**0.5  # the plug-in would not pass
    assert min(debiased) < 0


def test_the_debiased_square_by_hand() -> None:
    """One bin, 4 rows at .9, 3 right: .15^2 - .75 .25 / 3; a root is not taken of what is below 0."""
    measure = calibration_error(
        binned([0.9] * 4, [True, True, True, False]), norm="l2", debias=True
    )
    assert measure.value == pytest.approx(0.0225 - 0.0625, abs=1e-15)
    assert (measure.low, measure.high, measure.convention["value"]) == (None, None, "square")
    alone = calibration_error(binned([0.9, 0.4], [True, False]), norm="l2", debias=True)
    assert alone.details["bins_of_one"] == 2
    assert alone.value == pytest.approx((0.01 + 0.16) / 2, abs=1e-15)


def test_debiasing_asks_for_squares_by_count() -> None:
    """For other norms and weights the bias is not known."""
    for rule in ({}, {"norm": "max"}, {"norm": "l2", "weights": "uniform"}):
        with pytest.raises(DataError, match="expected debias with norm"):
            calibration_error(two_bins(), debias=True, **rule)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="'l3'"):
        calibration_error(two_bins(), norm="l3")  # type: ignore[arg-type]


@pytest.mark.parametrize("norm", ["l2", "max"])
@pytest.mark.parametrize("scale", [1.0, 1.4])
def test_intervals_of_other_norms_cover(norm: str, scale: float) -> None:
    """In at least 92 % of 300 draws (95 % less 2.4 standard errors) they hold the true error."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        z = 2.0 * rng.standard_normal((400, 10))
        sure, chance = softmax(scale * z, axis=1).max(axis=1), softmax(z, axis=1).max(axis=1)
        found = calibration_error(binned(sure, rng.random(400) < chance), norm=norm)  # type: ignore[arg-type]
        index = np.ceil(sure * 15).astype(int)
        n = np.bincount(index)
        gaps = np.abs(np.bincount(index, chance - sure)[n > 0] / n[n > 0])
        share = n[n > 0] / 400
        truth = gaps.max() if norm == "max" else ((share * gaps**2).sum()) ** 0.5
        covered += found.low - 1e-12 <= truth <= found.high + 1e-12  # type: ignore[operator]
    assert covered >= 276


def test_classwise_bins_do_not_hang_on_batches(draw) -> None:
    """Cut anywhere and merged: the bytes of the whole, and other classes are refused."""
    probs, labels = given(draw, "few")
    parts = [metrics.ClasswiseAccumulator(3) for _ in range(2)]
    for i, rows in enumerate(np.array_split(np.arange(250)[::-1], 7)):
        parts[i % 2].update(probs[rows], labels[rows])
    parts[0].merge(parts[1])
    whole = metrics.class_reliability(probs, labels)
    for own, theirs in zip(parts[0].value(), whole, strict=True):
        assert own.records() == theirs.records()
    with pytest.raises(DataError, match="expected 3 classes, got 2"):
        parts[0].update([[0.5, 0.5]], [0])
    with pytest.raises(DataError, match="expected 3 classes, got 2"):
        parts[0].merge(metrics.ClasswiseAccumulator(2))
