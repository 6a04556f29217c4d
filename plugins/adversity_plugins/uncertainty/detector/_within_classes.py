"""Class means of a stream of features, and how they vary within classes, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity import FitData

__all__ = ["class_means", "scatter"]

Array = np.ndarray[Any, Any]
_SHOWN = 5


def class_means(data: FitData) -> tuple[Array, Array]:
    """Return the mean features of each class, `[K, D]`, and how many rows each has, `[K]`.

    Raises:
        DataError: There are no rows, no features or no labels, or a class has no row.
    """
    sums: Array | None = None
    counts: Array = np.zeros(len(data.class_names), np.int64)
    for features, targets in _rows(data):
        if sums is None:
            sums = np.zeros((len(counts), features.shape[1]))
        np.add.at(sums, targets, features)
        counts += np.bincount(targets, minlength=len(counts))
    if sums is None:
        raise DataError("expected rows to fit on, got none")
    missing = [name for name, count in zip(data.class_names, counts, strict=True) if not count]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise DataError(
            f"expected rows of every class to fit on, got none of {', '.join(missing[:_SHOWN])}{more}: "
            "every image of such a class would be strange; fit on images of all classes"
        )
    return sums / counts[:, None], counts


def scatter(data: FitData, means: Array) -> Array:
    """Return the sum of squares and products within classes, `[D, D]`: about the means `[K, D]`."""
    total = np.zeros((means.shape[1], means.shape[1]))
    for features, targets in _rows(data):
        centred = features - means[targets]
        total += centred.T @ centred
    return total


def _rows(data: FitData) -> Iterator[tuple[Array, Array]]:
    """Yield features `[N, D]` float64 and classes `[N]` of each block.

    Raises:
        DataError: One of them is missing, or a label is none of the classes.
    """
    for block in data:
        if block.features is None or block.targets is None:
            missing = "features" if block.features is None else "labels"
            raise DataError(
                f"expected features and labels to fit on, got no {missing}: fit on the predictions "
                "of a classifier for labelled images"
            )
        features, targets = block.features.double().numpy(), block.targets.numpy()
        if len(targets) and not 0 <= targets.min() <= targets.max() < len(data.class_names):
            raise DataError(
                f"expected labels of the {len(data.class_names)} classes to fit on, got "
                f"{targets.min()} to {targets.max()}: leave out images of other classes"
            )
        yield features, targets
