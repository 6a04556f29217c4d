"""The smooth calibration error: closed forms, direct quadrature, and the authors' package."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import norm

from adversity import metrics
from adversity.errors import DataError
from adversity.metrics import SmoothAccumulator


def error_at(sure: np.ndarray, residual: np.ndarray, width: float, points: int = 4001) -> float:
    """Return the integral of the smoothed residuals by summing images of the Gaussian at each point."""
    at = np.linspace(0, 1, points)[:, None]
    density = np.zeros(points)
    for shift in range(-6, 7, 2):
        for image in (sure + shift, shift - sure):
            density += norm.pdf(at, image[None], width) @ residual
    smooth = np.abs(density / len(sure))
    return float((smooth.sum() - (smooth[0] + smooth[-1]) / 2) / (points - 1))


def seen(sure, right) -> float:
    """Return the error of rows."""
    found = SmoothAccumulator()
    found.update(np.asarray(sure, float), np.asarray(right, bool))
    return found.value().value


@pytest.mark.parametrize("sure", [0.0, 0.3, 0.9, 1.0])
def test_one_confidence_is_as_wrong_as_it_is(sure: float) -> None:
    """A kernel has mass 1 wherever it stands, at the borders, too: |confidence - accuracy|.

    1e-9: the grid and the solver. A Gaussian that is not reflected would lose half at 0 and 1.
    """
    right = np.arange(20) < 11
    assert seen(np.full(20, sure), right) == pytest.approx(abs(sure - 0.55), abs=1e-9)


def test_errors_of_one_sign_add_up() -> None:
    """Where every confidence is too high nothing cancels: the error is the confidence gap."""
    sure = np.repeat([0.55, 0.7, 0.95], 100)
    right = np.concatenate([np.arange(100) < k for k in (40, 60, 70)])
    assert seen(sure, right) == pytest.approx(sure.mean() - right.mean(), abs=1e-9)


def test_two_clusters_that_cancel() -> None:
    """Gaps +.4 and -.4 at .4 and .6: the integral has a closed form away from the borders.

    Of two Gaussians of width s at a distance d it is .4 x (2 Phi(d / 2s) - 1) of half the rows
    each; at the fixed point s is that value. 1e-4: the borders and the grid.
    """
    sure, right = np.repeat([0.4, 0.6], 10), np.repeat([False, True], 10)
    width = seen(sure, right)
    assert width == pytest.approx(0.4 * (2 * norm.cdf(0.1 / width) - 1), abs=2e-3)
    binned = metrics.calibration_error(metrics.binned(sure, right)).value
    assert binned == pytest.approx(0.4)
    assert width < 0.25  # a binned error cannot see that the two are near


def test_it_is_the_fixed_point_of_direct_quadrature(draw) -> None:
    """Images of the kernel summed at 4001 points give the width back, 1e-6; another width does not."""
    logits, labels = draw(n=250, classes=3, scale=1.2, seed=1)
    probs = softmax(logits, axis=1)
    measure = metrics.smooth_ece(probs, labels)
    sure = probs.max(axis=1)
    residual = sure - (probs.argmax(axis=1) == labels)
    width = measure.convention["width"]
    assert error_at(sure, residual, width) == pytest.approx(width, abs=1e-6)
    assert measure.value == pytest.approx(width, abs=1e-6)
    assert abs(error_at(sure, residual, width / 3) - width / 3) > 1e-2


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        ({"n": 10_000, "classes": 10, "scale": 1.7, "seed": 0}, 0.16028017971150602),
        ({"n": 250, "classes": 3, "scale": 1.2, "seed": 1}, 0.046774466563769684),
        ({"n": 3000, "classes": 2, "scale": 1.5, "seed": 2}, 0.050434599411362635),
    ],
)
def test_it_is_relplots(draw, rule: dict, theirs: float) -> None:
    """relplot 1.0.3, `smECE`, finds the width to 1/1024 and integrates at 200 points: 2e-3."""
    logits, labels = draw(**rule)
    assert metrics.smooth_ece(logits=logits, labels=labels).value == pytest.approx(theirs, abs=2e-3)


def test_a_calibrated_constant_has_no_error() -> None:
    """Exactly 0: the residuals cancel as whole numbers."""
    assert seen(np.full(4, 0.75), np.arange(4) < 3) == 0.0


def test_all_sure_and_all_wrong_is_1() -> None:
    """The largest error there is."""
    assert seen(np.ones(5), np.zeros(5)) == pytest.approx(1.0, abs=1e-9)


def test_it_changes_continuously() -> None:
    """A confidence that crosses an edge by 1e-9 moves a binned error by .05 and this by nothing."""
    right = np.concatenate([np.arange(80) < 45, np.arange(80) < 58])
    below, above = (np.repeat([10 / 16 + e, 11 / 16], 80) for e in (-1e-9, 1e-9))
    assert seen(below, right) == pytest.approx(seen(above, right), abs=1e-8)
    binned = [
        metrics.calibration_error(metrics.binned(sure, right, bins=8)).value
        for sure in (below, above)
    ]
    assert abs(binned[0] - binned[1]) > 0.03


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 5),
)
def test_order_batches_and_merging_change_no_byte(
    pairs: list[tuple[float, bool]], cut: int
) -> None:
    """Sums are whole numbers."""
    sure, right = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    first, second = SmoothAccumulator(), SmoothAccumulator()
    for i, rows in enumerate(np.array_split(np.arange(len(pairs))[::-1], cut)):
        if len(rows):
            (first, second)[i % 2].update(sure[rows], right[rows])
    second.merge(first)
    whole = SmoothAccumulator()
    whole.update(sure, right)
    assert second.value().as_json() == whole.value().as_json()


def test_nothing_seen_is_refused() -> None:
    """As are confidences outside [0, 1]."""
    with pytest.raises(DataError, match="at least one row"):
        SmoothAccumulator().value()
    with pytest.raises(DataError, match=r"in \[0, 1\]"):
        SmoothAccumulator().update([1.5], [True])
