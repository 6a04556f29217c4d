"""Where packages disagree about calibration: what we do, with what the other rule would give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adversity import metrics
from adversity.metrics import calibration_error
from adversity.metrics.reliability import binned


def rows(*groups: tuple[float, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and verdicts of groups (confidence, rows, right ones)."""
    sure = np.concatenate([np.full(n, c) for c, n, _ in groups])
    right = np.concatenate([np.arange(n) < k for _, n, k in groups])
    return sure, right


def columns(positive: np.ndarray) -> np.ndarray:
    """Return two classes from the probability of the second one."""
    return np.stack([1 - positive, positive], axis=1)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    """Confidences k/16 in 8 bins: .0500 by Guo's rule, .0125 by a histogram's.

    10/16 is 5 of 160 rows too high, 11/16 is 3 too low: apart (5 + 3) / 160, together 2 / 160.
    """
    given = rows((10 / 16, 80, 45), (11 / 16, 80, 58))
    assert calibration_error(binned(*given, bins=8)).value == pytest.approx(0.05, abs=1e-15)
    left = calibration_error(binned(*given, bins=8, edge="left"))
    assert left.value == pytest.approx(0.0125, abs=1e-15)
    probs, labels = columns(given[0]), given[1].astype(int)
    assert metrics.peer_ece("netcal", probs, labels, bins=8).value == pytest.approx(0.0125)
    assert metrics.peer_ece("mapie", probs, labels, bins=9).value == pytest.approx(0.05)


def test_the_number_of_bins_goes_with_the_value() -> None:
    """15 unless said; MAPIE's 15 are 14, and on these rows 14 are another number."""
    sure, right = rows((0.53, 100, 60), (0.56, 100, 50), (0.9, 100, 80))
    measure = calibration_error(binned(sure, right))
    assert measure.convention["bins"] == 15
    theirs = metrics.peer_ece("mapie", columns(sure), right.astype(int), bins=15)
    assert (theirs.convention["bins"], theirs.convention["num_bins"]) == (14, 15)
    fourteen = calibration_error(binned(sure, right, bins=14))
    assert theirs.value == pytest.approx(fourteen.value, abs=1e-14)
    assert abs(theirs.value - measure.value) > 0.01


def test_ties_stay_together() -> None:
    """All rows tied at .7, 80 % right: .1 in any order; by ranks it is .38 sorted.

    By ranks the bins of wrong rows are .7 off and those of right ones .3: .2 x .7 + .8 x .3.
    """
    sure, right = rows((0.7, 1000, 800))
    for order in (np.arange(1000), np.random.default_rng(0).permutation(1000)):
        mass = calibration_error(binned(sure[order], right[order], bins=10, spacing="mass"))
        assert mass.value == pytest.approx(0.1, abs=1e-15)
    by_rank = [abs(part.mean() - 0.7) for part in np.split(right, 10)]
    assert np.mean(by_rank) == pytest.approx(0.38, abs=1e-12)


def test_two_classes_are_judged_by_the_top_one() -> None:
    """Errors of both sides that cancel for the top class: 0, where the second class shows .1.

    At .8 for the second class it is true in 90 %; at .2 in 30 %: right are 90 % and 70 %, 80 % in all.
    """
    positive, truth = rows((0.8, 100, 90), (0.2, 100, 30))
    probs, labels = columns(positive), truth.astype(int)
    assert metrics.ece(probs, labels).value == pytest.approx(0.0, abs=1e-15)
    for peer in ("torchmetrics", "netcal"):
        theirs = metrics.peer_ece(peer, probs, labels)  # type: ignore[arg-type]
        assert theirs.value == pytest.approx(0.1, abs=1e-14)
        assert theirs.convention["label"] == "second class of two"
    assert metrics.peer_ece("mapie", probs, labels).value == pytest.approx(0.0, abs=1e-15)
    # Class by class it is that error, too: both columns say the same.
    each = metrics.ece(probs, labels, classwise=True)
    assert each.value == pytest.approx(0.1, abs=1e-14)


def test_the_last_bin_counts() -> None:
    """300 rows, the 100 surest all wrong: 1.0 x 1/3 is left out by the published RMS error."""
    sure, right = rows((0.6, 100, 60), (0.7, 100, 70), (1.0, 100, 0))
    probs, labels = columns(sure), right.astype(int)
    ours = metrics.ece(probs, labels, norm="l2", bins=10)
    assert ours.value == pytest.approx((1 / 3) ** 0.5, abs=1e-12)
    theirs = metrics.peer_ece("hendrycks", probs, labels)
    assert theirs.value == pytest.approx(0.0, abs=1e-12)
    assert theirs.convention["left_out"] == "the last bin"
    assert metrics.peer_ece("hendrycks", probs[101:], labels[101:]).value == 0.0  # 199 rows


def test_three_brier_scores() -> None:
    """Summed over classes .52; halved .26; without the sum's constant -.48."""
    probs, labels = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]), [0, 2]
    score = metrics.brier(probs, labels).value
    assert score == pytest.approx(0.52, abs=1e-15)
    assert score / 2 == pytest.approx(0.26, abs=1e-15)
    offset = np.mean((probs**2).sum(1) - 2 * probs[[0, 1], labels])
    assert offset == pytest.approx(-0.48, abs=1e-15)
    assert metrics.brier(probs, labels).convention["range"] == [0, 2]


def test_a_truth_of_probability_0_is_infinite_and_counted() -> None:
    """Clipping as scikit-learn does would say 36.04 for such a row."""
    measure = metrics.nll([[1.0, 0.0], [0.5, 0.5]], [1, 0])
    assert measure.value == math.inf
    assert measure.details["zero_probability_truths"] == 1
    clipped = metrics.nll([[1.0, 0.0]], [1], clip=float(np.finfo(np.float64).eps))
    assert clipped.value == pytest.approx(36.04, abs=0.005)
    assert "clip" in clipped.convention


@pytest.mark.slow
def test_float32_sums_lose_forty_million_rows() -> None:
    """.9 with 45 % right is .450; in torchmetrics' float32 all three sums stop at 2^24: 0."""
    sure, right = np.full(40_000_000, 0.9), np.arange(40_000_000) % 20 < 9
    assert calibration_error(binned(sure, right)).value == pytest.approx(0.45, abs=1e-15)
    theirs = metrics.peer_ece_of("torchmetrics", sure, right, np.zeros(1, bool))
    assert theirs.value == 0.0
