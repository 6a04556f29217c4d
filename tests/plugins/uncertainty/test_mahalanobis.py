"""Mahalanobis distances against closed forms, scikit-learn, and Gaussians of which all is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import mahalanobis as of_scipy
from sklearn.covariance import EmpiricalCovariance

import adversity
from adversity import Block, State
from adversity.errors import DataError, NotFittedError
from adversity.metrics import auroc
from adversity_plugins.uncertainty.detector.mahalanobis import Mahalanobis

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray[Any, Any]


class Stream:
    """Features and labels in blocks of seven rows."""

    def __init__(self, features: Array, targets: Array, classes: int) -> None:
        self.features, self.targets = torch.from_numpy(features), torch.from_numpy(targets)
        self.class_names = tuple(f"class_{k}" for k in range(classes))

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, len(self), 7):
            cut = slice(start, start + 7)
            features, targets = self.features[cut], self.targets[cut]
            ids = tuple(map(str, range(len(features))))
            yield Block(ids, targets=targets, features=features)


def state_of(features: Array, targets: Array, classes: int, **parameters: Any) -> State:
    """Fit."""
    data, rng = Stream(features, targets, classes), np.random.default_rng(0)
    return Mahalanobis(**parameters).fit(data, rng)


def fitted(features: Array, targets: Array, classes: int, **parameters: Any) -> Mahalanobis:
    """Fit and load."""
    plugin = Mahalanobis(**parameters)
    plugin.load(state_of(features, targets, classes, **parameters))
    return plugin


def scores(plugin: Mahalanobis, features: Array) -> Array:
    """Score; no logits are needed."""
    rows = torch.from_numpy(features)
    return plugin.score(rows, torch.zeros(len(rows), 2)).numpy()


def gaussians(count: int, width: int, classes: int, seed: int, *, apart: float = 3) -> Any:
    """Return rows of Gaussians of one covariance, and their classes."""
    rng, shared = np.random.default_rng(seed), np.random.default_rng(99)
    mixed = shared.normal(size=(width, width)) / np.sqrt(width) + np.eye(width)
    centres = apart * shared.normal(size=(classes, width))
    targets = np.arange(count) % classes
    return centres[targets] + rng.normal(size=(count, width)) @ mixed, targets


def test_two_classes_by_hand() -> None:
    """Means (0, 0) and (10, 0); within classes the variances are 1 and 4, and nothing covaries."""
    corners = np.array([[1, 2], [1, -2], [-1, 2], [-1, -2]], dtype=np.float64)
    features = np.concatenate([corners, corners + np.array([10.0, 0.0])])
    plugin = fitted(features, np.repeat([0, 1], 4), 2)
    points = np.array([[0, 0], [3, 0], [0, 6], [10, 2], [5, 0]], dtype=np.float64)
    np.testing.assert_allclose(scores(plugin, points), [0, 9, 9, 1, 25], atol=1e-12)
    unbiased = fitted(features, np.repeat([0, 1], 4), 2, divisor="n - K")
    # Six eighths: n - K = 6 rows in place of 8.
    np.testing.assert_allclose(
        scores(unbiased, points), np.array([0, 9, 9, 1, 25]) * 6 / 8, atol=1e-12
    )


@pytest.mark.parametrize(("count", "width", "classes"), [(200, 3, 2), (400, 40, 10), (50, 90, 5)])
def test_as_scikit_learn_and_scipy(count: int, width: int, classes: int) -> None:
    """The nearest of the distances to each mean, in the metric of the pooled covariance.

    In the last case there are fewer rows than features: both invert where the rows vary.
    """
    features, targets = gaussians(count, width, classes, 0)
    plugin = fitted(features, targets, classes)
    means = np.stack([features[targets == k].mean(0) for k in range(classes)])
    centred = features - means[targets]
    model = EmpiricalCovariance(assume_centered=True).fit(centred)
    others, _ = gaussians(30, width, classes, 1)
    for rows in (features, others):
        expected = np.min([model.mahalanobis(rows - mean) for mean in means], 0)
        # Condition numbers of 1e5 take five of float64's sixteen digits, and of rank 45 some more.
        np.testing.assert_allclose(scores(plugin, rows), expected, rtol=1e-8)
    if count > width:
        inverse = np.linalg.inv(centred.T @ centred / count)
        lengths = [min(of_scipy(row, mean, inverse) for mean in means) ** 2 for row in others]
        np.testing.assert_allclose(scores(plugin, others), lengths, rtol=1e-8)


def test_an_invertible_map_of_the_features_changes_nothing() -> None:
    """Distances are those of the space, not of its coordinates."""
    features, targets = gaussians(300, 8, 4, 2)
    others, _ = gaussians(50, 8, 4, 3)
    rng = np.random.default_rng(4)
    by, shift = rng.normal(size=(8, 8)), 10 * rng.normal(size=8)
    first = scores(fitted(features, targets, 4), others)
    second = scores(fitted(features @ by + shift, targets, 4), others @ by + shift)
    np.testing.assert_allclose(first, second, rtol=1e-8)


def test_distances_of_one_gaussian_have_their_law() -> None:
    """With one class and many rows the squared distance is chi-square of D degrees."""
    rng = np.random.default_rng(6)
    plugin = fitted(rng.normal(size=(20_000, 5)), np.zeros(20_000, np.int64), 1)
    found = scores(plugin, rng.normal(size=(2000, 5)))
    # 20 000 rows leave the covariance 1 % unsure, which 2 000 rows do not see.
    assert stats.kstest(found, stats.chi2(5).cdf).pvalue > 0.01


def test_what_is_far_is_told_and_what_is_alike_is_not() -> None:
    """AUROC above .95 on Gaussians far apart, .5 within .03 on the same: 5 000 rows are 3 sigma."""
    features, targets = gaussians(2000, 10, 5, 7)
    plugin = fitted(features, targets, 5)
    known, alike = (scores(plugin, gaussians(5000, 10, 5, seed)[0]) for seed in (8, 9))
    far = scores(plugin, gaussians(5000, 10, 5, 10)[0] + 5)
    assert auroc(known, far).value > 0.95
    assert abs(auroc(known, alike).value - 0.5) < 0.03


def test_a_feature_that_never_varies_counts_nothing_and_says_so() -> None:
    """A dead unit, and one that is the sum of two: rank 2 of 4. With ridge it counts, and much."""
    rng = np.random.default_rng(11)
    two = rng.normal(size=(100, 2)).astype(np.float32)
    features = np.stack([two[:, 0], two[:, 1], two[:, 0] + two[:, 1], np.full(100, 3)], 1)
    features, targets = features.astype(np.float32), np.arange(100) % 2
    state = state_of(features, targets, 2)
    assert (state.info["rank"], state.info["features"]) == (2, 4)
    assert state.info["note"].startswith(
        "the 100 rows to fit on vary in 2 directions of 4 features"
    )
    plugin, woken = fitted(features, targets, 2), features.copy()
    woken[:, 3] += 5
    np.testing.assert_allclose(scores(plugin, woken), scores(plugin, features), rtol=1e-9)
    assert state_of(features, targets, 2, ridge=0.01).info["note"] == ""
    ridged = fitted(features, targets, 2, ridge=0.01)
    assert (scores(ridged, woken) > 1000 + scores(ridged, features)).all()


def test_ridge_is_a_share_of_the_mean_variance() -> None:
    """Against the inverse of the covariance with so much on its diagonal."""
    features, targets = gaussians(200, 6, 3, 12)
    means = np.stack([features[targets == k].mean(0) for k in range(3)])
    centred = features - means[targets]
    covariance = centred.T @ centred / 200
    inverse = np.linalg.inv(covariance + 0.1 * np.trace(covariance) / 6 * np.eye(6))
    away = features[:, None] - means
    expected = np.einsum("nkd,de,nke->nk", away, inverse, away).min(1)
    found = scores(fitted(features, targets, 3, ridge=0.1), features)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_large_offset_costs_no_digits() -> None:
    """Features around 10 000 that vary by one: sums of squares would lose half of the digits."""
    features, targets = gaussians(300, 4, 3, 13)
    first = scores(fitted(features, targets, 3), features)
    second = scores(fitted(features + 1e4, targets, 3), features + 1e4)
    np.testing.assert_allclose(first, second, rtol=1e-8)


def test_from_python() -> None:
    """Features stand beside the logits, and neither is taken for the other."""
    features, targets = (torch.from_numpy(a) for a in gaussians(100, 4, 3, 14))
    logits = torch.zeros(100, 3)
    detector = adversity.create("uncertainty", "mahalanobis")
    with pytest.raises(NotFittedError, match="must be fitted first"):
        detector(logits, features=features)
    with pytest.raises(DataError, match=r"expected features \[100, D\], got none: pass features="):
        detector.fit(logits, targets)
    found = detector.fit(logits, targets, features=features)
    rows = features.float()
    expected = scores(fitted(rows.numpy(), targets.numpy(), 3), rows.numpy())
    np.testing.assert_allclose(found(logits, features=features).numpy(), expected, rtol=1e-12)
    with pytest.raises(DataError, match=r"features: expected shape \[100, K\], got \[99, 4\]"):
        found(logits, features=features[1:])
    entropy = adversity.create("uncertainty", "entropy")
    with pytest.raises(DataError, match="expected no features, got some: leave features= out"):
        entropy(logits, features=features)


def test_what_is_missing_is_named() -> None:
    """Classes without a row, no rows, no variation, labels of no class, other features, no state."""
    features, targets = gaussians(20, 3, 2, 15)
    with pytest.raises(
        DataError, match="every class to fit on, got none of class_2, class_3: every"
    ):
        state_of(features, targets, 4)
    with pytest.raises(DataError, match=r"class_6 and 3 more: every image of such a class"):
        state_of(features, targets, 10)
    with pytest.raises(DataError, match="expected rows to fit on, got none"):
        state_of(features[:0], targets[:0], 2)
    with pytest.raises(DataError, match="expects features that vary within classes, got none"):
        state_of(np.ones((8, 3)), np.arange(8) % 2, 2)
    with pytest.raises(DataError, match="more rows than the 2 classes to divide by n - K, got 2"):
        state_of(features[:2], targets[:2], 2, divisor="n - K")
    with pytest.raises(DataError, match="labels of the 2 classes to fit on, got -1 to 1"):
        state_of(features, np.where(targets == 0, -1, targets), 2)
    for block in (
        Block(("a",), targets=torch.zeros(1).long()),
        Block(("a",), features=torch.ones(1, 1)),
    ):
        data = Stream(features, targets, 2)
        data.__class__ = type("One", (Stream,), {"__iter__": lambda _, b=block: iter([b])})
        with pytest.raises(DataError, match=r"got no (features|labels): fit on the predictions"):
            Mahalanobis().fit(data, np.random.default_rng(0))
    with pytest.raises(NotFittedError, match="expects fitted class means, got none"):
        Mahalanobis().score(torch.ones(1, 3), torch.ones(1, 2))
    with pytest.raises(DataError, match="was fitted on 3 features, got 5: fit it on those of the"):
        scores(fitted(features, targets, 2), np.ones((2, 5)))
    with pytest.raises(DataError, match=r"expects stored means \[K, D\] and whitening \[D, r\]"):
        Mahalanobis().load(State({"means": np.ones((2, 3)), "whitening": np.ones((2, 2))}))
