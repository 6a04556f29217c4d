"""What scikit-learn's gradient boosting learnt, as trees whose leaves add up to scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity_plugins.classifier.pixels._tree_scores import packed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["boosted"]

Array = np.ndarray[Any, Any]


def boosted(model: Any, labels: Array, counts: Array | None = None) -> Mapping[str, Array]:
    """Return the trees in the order in which they are added.

    With more than two classes the scores start from the logs of the class shares, less their
    mean; with two, from 0 and the log of the odds.

    Args:
        model: A fitted `GradientBoostingClassifier`.
        labels: `[N]` int64, what it was fitted on.
        counts: `[N]` float64, what each counted; None for 1.
    """
    shares = np.bincount(labels, counts) / (len(labels) if counts is None else counts.sum())
    classes, logs = len(shares), np.log(shares)
    base = logs - logs.mean() if classes > 2 else np.array([0.0, logs[1] - logs[0]])
    columns = model.estimators_.shape[1]
    grown = [tree.tree_ for row in model.estimators_ for tree in row]

    def value_of(number: int, value: Array) -> Array:
        column = number % columns if classes > 2 else 1
        added = np.zeros((len(value), classes))
        added[:, column] = model.learning_rate * value[:, 0]
        return added

    return packed(grown, value_of, base)
