"""The relative distance against scikit-learn's covariances, and Gaussians of which all is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance

from adversity import Block
from adversity.metrics import auroc
from adversity_plugins.uncertainty.detector.mahalanobis import Mahalanobis
from adversity_plugins.uncertainty.detector.relative_mahalanobis import RelativeMahalanobis


class Stream(list):  # type: ignore[type-arg]
    """Blocks of 37 rows of three classes."""

    class_names = tuple("abc")

    def __init__(self, features: np.ndarray, targets: np.ndarray) -> None:
        given = (torch.from_numpy(each).split(37) for each in (features, targets))
        super().__init__(
            Block(("",) * len(f), features=f, targets=t) for f, t in zip(*given, strict=True)
        )


def ready(plugin: Any, features: np.ndarray, targets: np.ndarray) -> Any:
    """Fit and load."""
    plugin.load(plugin.fit(Stream(features, targets), np.random.default_rng(0)))
    return plugin


def scores(plugin: Any, features: np.ndarray) -> np.ndarray:
    """Score."""
    return np.asarray(plugin.score(torch.from_numpy(features), torch.zeros(len(features), 3)))


def gaussians(count: int, seed: int, *, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw three classes along two axes of eight; a third varies by 20 in all images alike."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 3
    centres = np.zeros((3, 8))
    centres[1, 0] = centres[2, 1] = 6.0
    features = centres[targets] + rng.normal(size=(count, 8))
    features[:, 2] *= 20
    features[:, :2] += shift
    return features, targets


def test_as_scikit_learn() -> None:
    """The nearest of the distances within classes, less that of all rows about their mean."""
    features, targets = gaussians(300, 0)
    asked, _ = gaussians(40, 1)
    means = np.stack([features[targets == k].mean(0) for k in range(3)])
    model = EmpiricalCovariance(assume_centered=True).fit(features - means[targets])
    near = np.min([model.mahalanobis(asked - mean) for mean in means], axis=0)
    far = EmpiricalCovariance().fit(features).mahalanobis(asked)
    found = scores(ready(RelativeMahalanobis(), features, targets), asked)
    np.testing.assert_allclose(found, near - far, rtol=1e-9, atol=1e-9)
    # With the covariance within classes in both places it would be another number.
    wrong = near - model.mahalanobis(asked - features.mean(0))
    assert (np.abs(found - wrong) > 1e-3).all()


def test_what_varies_alike_in_all_images_counts_nothing() -> None:
    """Along an axis in which the classes do not differ both distances grow alike, and cancel."""
    features, targets = gaussians(30_000, 2)
    plugin, plain = (ready(p(), features, targets) for p in (RelativeMahalanobis, Mahalanobis))
    asked, _ = gaussians(50, 3)
    moved = asked.copy()
    moved[:, 5] += 3.0
    change = np.abs(scores(plugin, moved) - scores(plugin, asked))
    # Means and covariances of 30 000 rows are unsure by a hundredth of a standard deviation.
    assert change.max() < 0.5
    assert np.abs(scores(plain, moved) - scores(plain, asked)).mean() > 5


def test_classes_near_the_known_ones_are_told_better() -> None:
    """A new class among the known, where eighty other axes add noise to the plain distance."""
    rng = np.random.default_rng(4)
    features, targets = gaussians(6000, 5)
    asked = [gaussians(3000, 6)[0], gaussians(3000, 7, shift=2.0)[0]]
    features, *asked = (
        np.concatenate([rows, rng.normal(size=(len(rows), 80))], 1) for rows in (features, *asked)
    )
    found = {}
    for cls in (RelativeMahalanobis, Mahalanobis):
        plugin = ready(cls(), features, targets)
        found[cls.name] = auroc(*(scores(plugin, rows) for rows in asked)).value
    assert found["relative_mahalanobis"] > found["mahalanobis"] + 0.05


def test_ridge_and_rank() -> None:
    """A feature that never varies counts nothing, and it is said; with ridge it counts."""
    features, targets = gaussians(300, 8)
    features[:, 7] = 1.0
    state = RelativeMahalanobis().fit(Stream(features, targets), np.random.default_rng(0))
    assert (state.info["rank"], state.info["classes"], state.info["n"]) == (7, 3, 300)
    assert state.info["note"].startswith("the 300 rows to fit on vary in 7 directions of 8")
    asked, moved = features[:9], features[:9].copy()
    moved[:, 7] += 5
    plugin = ready(RelativeMahalanobis(), features, targets)
    np.testing.assert_allclose(scores(plugin, moved), scores(plugin, asked), atol=1e-9)
    ridged = RelativeMahalanobis(ridge=0.01)
    assert ridged.fit(Stream(features, targets), np.random.default_rng(0)).info["note"] == ""
    with pytest.raises(ValueError, match="ridge"):
        RelativeMahalanobis(ridge=-1)
