"""ViM: the last layer that is found, and what cannot be one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from adversity import Block
from adversity.errors import DataError
from adversity_plugins.uncertainty.detector._last_layer import last_layer
from adversity_plugins.uncertainty.detector.vim import ViM


def stream(features: np.ndarray, logits: np.ndarray) -> Any:
    """Return blocks of 50 rows, float32 as tables keep them."""
    given = (torch.from_numpy(each.astype(np.float32)).split(50) for each in (features, logits))
    return [Block(("",) * len(f), features=f, logits=z) for f, z in zip(*given, strict=True)]


def drawn(count: int = 600, width: int = 10, classes: int = 3) -> tuple[np.ndarray, ...]:
    """Draw features, weights, a bias, and logits."""
    rng = np.random.default_rng(5)
    features = np.abs(rng.normal(1, 1, (count, width))).astype(np.float32).astype(np.float64)
    weight, bias = rng.normal(size=(width, classes)), rng.normal(size=classes)
    return features, weight, bias, features @ weight + bias


def test_the_last_layer_is_found() -> None:
    """Weights, bias and the origin at which all logits are 0, to what float32 logits tell."""
    features, weight, bias, logits = drawn()
    layer = last_layer(stream(features, logits), "vim")
    np.testing.assert_allclose(layer.weight, weight, atol=1e-6)
    np.testing.assert_allclose(layer.bias, bias, atol=1e-5)
    np.testing.assert_allclose(layer.origin @ weight + bias, 0, atol=1e-5)
    np.testing.assert_allclose(layer.origin, -np.linalg.pinv(weight.T) @ bias, atol=1e-5)
    assert layer.note == ""


def test_the_virtual_logit_is_as_large_as_the_largest_on_average() -> None:
    """On the fitting rows, by the definition of alpha; a row at the origin has none."""
    features, _, _, logits = drawn()
    state = ViM(dim=4).fit(stream(features, logits), np.random.default_rng(0))
    plugin = ViM(dim=4)
    plugin.load(state)
    rows, said = torch.from_numpy(features), torch.from_numpy(logits)
    virtual = plugin.score(rows, said) + said.logsumexp(1)
    assert virtual.mean().item() == pytest.approx(said.amax(1).mean().item(), rel=1e-5)
    origin = torch.from_numpy(state.arrays["origin"])[None]
    assert plugin.score(origin, torch.zeros(1, 3)).item() == pytest.approx(-np.log(3), abs=1e-9)
    assert state.info["dim"] == 4
    assert ViM().fit(stream(features, logits), np.random.default_rng(0)).info["dim"] == 5


def test_a_dead_feature_is_said() -> None:
    """Its weights cannot be known: they count as 0, and the other weights are as they were."""
    features, weight, bias, _ = drawn()
    features[:, 7] = 0
    layer = last_layer(stream(features, features @ weight + bias), "vim")
    assert layer.note.startswith(
        "the features of the 600 rows to fit on vary in 9 directions of 10"
    )
    np.testing.assert_allclose(np.delete(layer.weight, 7, 0), np.delete(weight, 7, 0), atol=1e-6)
    np.testing.assert_allclose(layer.weight[7], 0, atol=1e-12)


def test_what_is_no_linear_layer_is_refused() -> None:
    """Log p in the place of logits; no residual; logits that are all negative; nothing varies."""
    features, weight, bias, logits = drawn()
    rng = np.random.default_rng(0)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    with pytest.raises(DataError, match="vim expects logits that a linear last layer makes"):
        ViM(dim=4).fit(stream(features, logs), rng)
    with pytest.raises(DataError, match="vim expects a dim below the 10 features, got 10: take"):
        ViM(dim=10).fit(stream(features, logits), rng)
    with pytest.raises(DataError, match="expects largest logits above 0 on average"):
        ViM(dim=4).fit(stream(features, logits - 100), rng)
    flat = np.ones_like(features)
    with pytest.raises(DataError, match="vim expects features that vary, got none"):
        ViM(dim=4).fit(stream(flat, flat @ weight + bias), rng)
    data: Any = [Block(("a",), features=torch.ones(1, 2))]
    with pytest.raises(DataError, match="got no logits: fit on the predictions"):
        ViM(dim=1).fit(data, rng)
