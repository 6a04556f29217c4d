"""Trees that tell kinds of patches apart, with a linear map in each leaf.

Reference: Schulter, Leistner, Bischof, "Fast and accurate image upscaling with super-resolution
forests", 2015, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from adversity_plugins.restoration.enlarge._anchors import ridge

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["grown", "leaf_maps", "leaves_of"]

_TESTS = 10
"""Random tests from which each node takes the best: a feature, and a threshold in its range."""

Nodes = dict[str, "np.ndarray[tuple[int], np.dtype[np.generic]]"]


def grown(features: Tensor, details: Tensor, *, depth: int, leaf: int, seed: int) -> Nodes:
    """Grow one tree, by scikit-learn's extremely randomised splits.

    The best test leaves the least variance of details and features together, each weighing one
    (the paper's kappa = 1): trees of several outputs split by the sum of their variances.

    Args:
        features: `[P, d]`.
        details: `[P, D]`.
        depth: At most so many tests on the way to a leaf.
        leaf: At least so many patches in each.
        seed: Of the random tests.

    Returns:
        For each node `feature`, `threshold`, and the children `left` (at most the threshold) and
        `right`; in a leaf both are the node itself. `leaf` is its number, 0 of an inner node.
    """
    from sklearn.tree import ExtraTreeRegressor

    both = torch.cat([details, features], 1).numpy()
    tree = ExtraTreeRegressor(
        max_depth=depth,
        min_samples_leaf=leaf,
        max_features=min(_TESTS, features.shape[1]),
        random_state=seed,
    )
    nodes = tree.fit(features.numpy(), both).tree_
    own = np.arange(nodes.node_count)
    is_leaf = nodes.children_left == -1
    return {
        "feature": np.where(is_leaf, 0, nodes.feature).astype(np.int64),
        "threshold": nodes.threshold.astype(np.float64),
        "left": np.where(is_leaf, own, nodes.children_left).astype(np.int64),
        "right": np.where(is_leaf, own, nodes.children_right).astype(np.int64),
        "leaf": np.where(is_leaf, is_leaf.cumsum() - 1, 0).astype(np.int64),
    }


def leaves_of(features: Tensor, nodes: Mapping[str, Tensor], root: int) -> Tensor:
    """Return the number of the leaf in which each feature ends, `[P]` int64.

    Args:
        features: `[P, d]`.
        nodes: Of one tree or of several behind each other.
        root: The node to begin at.
    """
    at = torch.full((len(features),), root, device=features.device)
    while True:
        value = features.gather(1, nodes["feature"][at][:, None])[:, 0]
        following = torch.where(
            value <= nodes["threshold"][at], nodes["left"][at], nodes["right"][at]
        )
        if torch.equal(following, at):
            return nodes["leaf"][at]
        at = following


def leaf_maps(features: Tensor, details: Tensor, leaves: Tensor, penalty: float) -> Tensor:
    """Return the ridge regression of each leaf, `[L, D, d]`.

    Args:
        features: `[P, d]`.
        details: `[P, D]`.
        leaves: `[P]` int64, each of 0 to L - 1 at least once.
        penalty: Of the squared entries of the maps.
    """
    counts = torch.bincount(leaves).tolist()
    rows = torch.split(leaves.argsort(stable=True), counts)
    return torch.stack(
        [ridge(features[some].double(), details[some].double(), penalty).float() for some in rows]
    )
