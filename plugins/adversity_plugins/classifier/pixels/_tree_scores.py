"""Decision trees as arrays: taken from scikit-learn, walked here.

All trees stand one after the other in the same arrays; a node's children are counted from
the tree's own root. A value goes left where it is not above the threshold, compared as
scikit-learn compares: the value is float32, the threshold float64.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.structure import Tree, Trees

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["checked", "packed", "scores_of", "trees_of"]

Array = np.ndarray[Any, Any]


def packed(
    fitted: Sequence[Any], value_of: Callable[[int, Array], Array], base: Array
) -> Mapping[str, Array]:
    """Return scikit-learn's trees as arrays.

    Args:
        fitted: T objects `tree_`.
        value_of: From a tree's number and its `value` `[M, outputs]` to `[M, K]`, what its
            nodes add to the scores.
        base: `[K]`, the scores before the first tree.

    Returns:
        `roots` `[T + 1]` (where each tree begins, then the end), and over all M nodes
        `feature`, `left`, `right` int64 (-1 in a leaf), `threshold`, `value` `[M, K]` float64.
    """
    counts = [tree.node_count for tree in fitted]
    leaf = [tree.children_left < 0 for tree in fitted]
    feature = [np.where(end, -1, t.feature) for t, end in zip(fitted, leaf, strict=True)]
    values = [value_of(number, tree.value[:, 0, :]) for number, tree in enumerate(fitted)]
    return {
        "roots": np.cumsum([0, *counts]).astype(np.int64),
        "feature": np.concatenate(feature).astype(np.int64),
        "threshold": np.concatenate([tree.threshold for tree in fitted]).astype(np.float64),
        "left": np.concatenate([tree.children_left for tree in fitted]).astype(np.int64),
        "right": np.concatenate([tree.children_right for tree in fitted]).astype(np.int64),
        "value": np.concatenate(values).astype(np.float64),
        "base": np.asarray(base, dtype=np.float64),
    }


def checked(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the arrays if every walk through them ends.

    Raises:
        ValueError: If sizes do not fit or a child does not come after its parent.
    """
    roots, feature, left, right = (arrays[k] for k in ("roots", "feature", "left", "right"))
    nodes = len(feature)
    sizes = {len(arrays[name]) for name in ("threshold", "left", "right", "value")}
    if sizes != {nodes} or roots[0] != 0 or roots[-1] != nodes or (np.diff(roots) < 1).any():
        raise ValueError(f"{nodes} nodes and arrays of {sorted(sizes)} do not fit")
    if arrays["value"].shape != (nodes, len(arrays["base"])):
        raise ValueError(f"values {arrays['value'].shape} and base {arrays['base'].shape}")
    sizes_of = np.diff(roots)
    own = np.arange(nodes) - np.repeat(roots[:-1], sizes_of)
    end = np.repeat(sizes_of, sizes_of)
    inner = feature >= 0
    for child in (left, right):
        if not ((child > own) & (child < end))[inner].all():
            raise ValueError("a node's child does not come after it")
    return arrays


def scores_of(arrays: Mapping[str, Array], pixels: Array) -> Array:
    """Return `base` plus the leaves of all trees in their order, `[N, K]` float64.

    Args:
        arrays: As `packed` returns them.
        pixels: `[N, D]` float32.
    """
    roots = arrays["roots"][:-1]
    node = np.broadcast_to(roots, (len(pixels), len(roots))).copy()
    rows = np.arange(len(pixels))[:, None]
    while True:
        feature = arrays["feature"][node]
        inner = feature >= 0
        if not inner.any():
            break
        below = pixels[rows, np.maximum(feature, 0)] <= arrays["threshold"][node]
        child = np.where(below, arrays["left"][node], arrays["right"][node])
        node = np.where(inner, roots + child, node)
    scores = np.tile(arrays["base"], (len(pixels), 1))
    # One after the other, as scikit-learn adds: another order would round otherwise.
    for number in range(len(roots)):
        scores += arrays["value"][node[:, number]]
    return scores


def trees_of(arrays: Mapping[str, Array]) -> Trees:
    """Return the trees, each with its own arrays."""
    roots = arrays["roots"]
    spans = [slice(a, b) for a, b in itertools.pairwise(roots)]
    names = ("feature", "threshold", "left", "right", "value")
    return Trees(
        tuple(Tree(**{name: arrays[name][span] for name in names}) for span in spans),
        arrays["base"],
    )
