"""RFL: its trees and maps against scikit-learn's, and what it gains on photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.tree import ExtraTreeRegressor

import adversity
from adversity_plugins.restoration.enlarge import _forest as forest
from adversity_plugins.restoration.enlarge.rfl import RFL

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Fit = Callable[..., Any]


def drawn(rows: int) -> tuple[Tensor, Tensor]:
    """Return features and details that hang on them in a way of each half."""
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(rows, 5, generator=draw)
    ways = torch.randn(2, 5, 3, generator=draw)
    return features, torch.where(features[:, :1] > 0.2, features @ ways[0], features @ ways[1])


def tensors(nodes: forest.Nodes) -> dict[str, Tensor]:
    """Return the nodes of one tree as the plugin keeps them."""
    return {name: torch.from_numpy(value) for name, value in nodes.items()}


def test_patches_end_in_the_leaves_of_scikit_learn() -> None:
    """Those of the tree's own `apply`, numbered in its order; each has its least number."""
    features, details = drawn(3000)
    nodes = forest.grown(features, details, depth=6, leaf=40, seed=3)
    found = forest.leaves_of(features, tensors(nodes), 0).numpy()
    both = torch.cat([details, features], 1).numpy()
    tree = ExtraTreeRegressor(max_depth=6, min_samples_leaf=40, max_features=5, random_state=3).fit(
        features.numpy(), both
    )
    _, expected = np.unique(tree.apply(features.numpy()), return_inverse=True)
    np.testing.assert_array_equal(found, expected)
    assert np.bincount(found).min() >= 40
    assert 10 < found.max() < 64


def test_a_leaf_has_the_ridge_regression_of_its_patches() -> None:
    """scikit-learn's, without a constant."""
    features, details = drawn(500)
    leaves = torch.from_numpy(np.random.default_rng(0).integers(0, 4, 500))
    maps = forest.leaf_maps(features, details, leaves, 0.3)
    for leaf, found in enumerate(maps):
        mine = leaves == leaf
        ridge = Ridge(alpha=0.3, fit_intercept=False).fit(features[mine], details[mine])
        np.testing.assert_allclose(found, ridge.coef_, rtol=0, atol=1e-5)


def test_two_ways_are_told_apart() -> None:
    """Details that are linear on either side of a threshold: one map leaves half, a tree little."""
    features, details = drawn(20_000)
    left = {}
    for depth in (1, 12):
        plugin = RFL(trees=1, depth=depth, leaf=50 if depth > 1 else 15_000, penalty=1e-6)
        learnt = plugin.learn(features, details, np.random.default_rng(0))
        told = plugin.details(features, {k: torch.from_numpy(v) for k, v in learnt.items()})
        left[depth] = float((told - details).square().mean() / details.square().mean())
    assert left[1] > 0.2
    assert left[12] < 0.1


def test_a_forest_says_the_mean_of_its_trees() -> None:
    """Each tree, taken out of the forest, by itself."""
    features, details = drawn(2000)
    plugin = RFL(trees=3, leaf=200)
    arrays = plugin.learn(features, details, np.random.default_rng(0))
    learnt = {name: torch.from_numpy(value) for name, value in arrays.items()}
    assert arrays["roots"].tolist() == sorted(set(arrays["roots"].tolist()))
    alone = [plugin.details(features, {**learnt, "roots": root[None]}) for root in learnt["roots"]]
    torch.testing.assert_close(plugin.details(features, learnt), sum(alone) / 3, rtol=0, atol=1e-6)
    assert (alone[0] - alone[1]).abs().max() > 0.1


@pytest.mark.parametrize("factor", [2, 3])
def test_it_gains_on_photos_that_it_was_not_fitted_on(
    fitted: Fit,
    learnt_from: list[Tensor],
    judged_by: list[Tensor],
    luma_psnr: Callable[..., float],
    factor: int,
) -> None:
    """With two trees in the place of ten, 0.3 dB and more on each of three photos."""
    plugin = fitted(learnt_from, "rfl", trees=2, patches=20_000, scales=2, factor=factor)
    for clean in judged_by:
        small = adversity.create("degradation", "downsample", factor=factor)(clean)
        plain = adversity.create("restoration", "bicubic", factor=factor)(small)
        gain = luma_psnr(plugin(small), clean, factor) - luma_psnr(plain, clean, factor)
        assert gain > 0.3


def test_what_is_flat_stays_flat(fitted: Fit, learnt_from: list[Tensor]) -> None:
    """No map has a constant; a single pixel is enlarged as well."""
    plugin = fitted(learnt_from[:1], "rfl", trees=2, patches=5000, scales=1)
    flat = torch.full((1, 3, 1, 1), 0.3)
    torch.testing.assert_close(plugin(flat), torch.full((1, 3, 2, 2), 0.3), rtol=0, atol=1e-6)
