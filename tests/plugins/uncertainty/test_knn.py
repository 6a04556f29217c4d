"""The k-th neighbour against scikit-learn, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

import adversity
from adversity import Block
from adversity.errors import DataError
from adversity_plugins.uncertainty.detector import knn
from adversity_plugins.uncertainty.detector.knn import KNN


def ready(features: np.ndarray, **parameters: Any) -> KNN:
    """Fit on blocks of seven rows, and load."""
    rows, plugin = torch.from_numpy(features), KNN(**parameters)
    data: Any = [Block(("",) * len(part), features=part) for part in rows.split(7)]
    plugin.load(plugin.fit(data, np.random.default_rng(0)))
    return plugin


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("k", [1, 5, 60])
@pytest.mark.parametrize("values", [1 << 21, 100])
def test_as_scikit_learn(
    k: int, normalize: bool, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By brute force in float64, whether the rows fit into one block of memory or into many."""
    monkeypatch.setattr(knn, "_VALUES", values)
    rng = np.random.default_rng(0)
    seen, asked = (rng.normal(2, 1, (n, 9)).astype(np.float32) for n in (230, 40))
    plugin = ready(seen, k=k, normalize=normalize)

    def of(rows: np.ndarray) -> np.ndarray:
        wide = rows.astype(np.float64)
        return wide / np.linalg.norm(wide, axis=1, keepdims=True) if normalize else wide

    model = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(of(seen))
    expected = model.kneighbors(of(asked))[0][:, -1]
    found = plugin.score(torch.from_numpy(asked), torch.zeros(40, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_near_zero_no_digit_is_lost() -> None:
    """A neighbour 1e-7 away: the difference of products would know no digit of it."""
    seen = np.array([[1.0, 0.0], [0.0, 1.0]])
    asked = torch.tensor([[1.0, 1e-7], [1.0, 0.0]], dtype=torch.float64)
    found = ready(seen.astype(np.float32), k=1).score(asked, torch.zeros(2, 2))
    np.testing.assert_allclose(found, [1e-7, 0], rtol=1e-9, atol=0)


def test_lengths_do_not_count_and_zeros_stay() -> None:
    """Directions alone, unless told otherwise; of features that are all 0, what is 0 is near."""
    plugin = ready(np.array([[3.0, 4.0], [0.0, 2.0]], np.float32), k=1)
    asked = torch.tensor([[30.0, 40.0], [0.0, 0.0], [0.0, -1.0]])
    found = plugin.score(asked, torch.zeros(3, 2))
    np.testing.assert_allclose(found, [0, 1, (0.36 + 1.8**2) ** 0.5], atol=1e-12)


def test_too_few_rows() -> None:
    """The neighbour number k must be there."""
    features = torch.rand(10, 3)
    detector = adversity.create("uncertainty", "knn", k=11)
    with pytest.raises(
        DataError, match=r"knn expects 11 rows to fit on or more.*got 10: fit it on"
    ):
        detector.fit(torch.zeros(10, 2), torch.zeros(10), features=features)
