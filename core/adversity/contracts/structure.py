"""What a classifier is made of, for attacks that are exact because they need not guess.

All of it speaks of images as flat rows of D = C * H * W values in [0, 1], in the images' own
order, in float64; scaling that a classifier does inside is already folded in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Linear", "Prototypes", "Structure", "Tree", "Trees"]


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores `weights @ x + bias`; the highest wins, the first of equals.

    Attributes:
        weights: `[K, D]` float64.
        bias: `[K]` float64.
    """

    weights: np.ndarray[Any, Any]
    bias: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Tree:
    """A decision tree of M nodes; node 0 is the root.

    A row goes left where `x[feature] <= threshold`, as scikit-learn compares: `x` is float32,
    the threshold float64.

    Attributes:
        feature: `[M]` int64, the value that is compared; -1 in a leaf.
        threshold: `[M]` float64.
        left, right: `[M]` int64, the next node; -1 in a leaf.
        value: `[M, K]` float64, what a leaf adds to the scores.
    """

    feature: np.ndarray[Any, Any]
    threshold: np.ndarray[Any, Any]
    left: np.ndarray[Any, Any]
    right: np.ndarray[Any, Any]
    value: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Trees:
    """Scores are `base` plus the sum of the trees' leaves; the highest wins, the first of equals.

    Attributes:
        trees: One, or as many as a forest has.
        base: `[K]` float64.
    """

    trees: tuple[Tree, ...]
    base: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Prototypes:
    """The class that most of the `neighbours` nearest points have, in l2.

    Attributes:
        points: `[M, D]` float64.
        labels: `[M]` int64, their classes.
        neighbours: How many of them vote.
        classes: K.
    """

    points: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    neighbours: int
    classes: int


Structure = Linear | Trees | Prototypes
