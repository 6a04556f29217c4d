"""The weights of a linear last layer, found from what goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity import FitData

__all__ = ["LastLayer", "last_layer", "rows_of"]

Array = np.ndarray[Any, Any]
_LINEAR = 1e-3
"""By how much a logit may differ from a linear function of the features, as a share of the standard
deviation of all logits. Logits and features are float32; a softmax is off by far more."""
_VARIES = 1e-4
"""The least standard deviation of a direction in which weights are found, as a share of the
largest: float32 logits leave the weights of others unsure in the third digit or more."""


@dataclass(frozen=True, slots=True)
class LastLayer:
    """A last layer, and the features that it was found from.

    Attributes:
        weight: `[D, K]`.
        bias: `[K]`.
        origin: `[D]`, the shortest features of the logits nearest to 0.
        mean: `[D]`, of the features.
        covariance: `[D, D]`, of the features, divided by n.
        spread: The standard deviation of all logits about their means.
        n: How many rows.
        note: Empty if the weights are known in all directions.
    """

    weight: Array
    bias: Array
    origin: Array
    mean: Array
    covariance: Array
    spread: float
    n: int
    note: str

    def require_linear(self, features: Array, logits: Array, name: str) -> None:
        """Refuse logits `[N, K]` that are not what it makes of features `[N, D]`.

        Raises:
            DataError: With how far they are off.
        """
        off = float(np.abs(features @ self.weight + self.bias - logits).max())
        if off > _LINEAR * self.spread:
            raise DataError(
                f"{name} expects logits that a linear last layer makes of the features, got some "
                f"that are {off:.3g} off, where all vary by {self.spread:.3g}: use it on a network "
                "that ends in a linear layer and gives logits, or take mahalanobis or knn"
            )


def last_layer(data: FitData, name: str) -> LastLayer:
    """Find the layer by least squares, in float64, in two passes.

    Args:
        data: Blocks with `features` `[N, D]` and `logits` `[N, K]`.
        name: Of the detector, for messages.

    Raises:
        DataError: There are no rows, features or logits, or nothing varies.
    """
    sums: Any = None
    n = 0
    for features, logits in rows_of(data, name):
        both = np.concatenate([features, logits], 1).sum(0)
        sums, n = both if sums is None else sums + both, n + len(features)
        width = features.shape[1]
    if sums is None:
        raise DataError(f"{name} expects rows to fit on, got none")
    mean, said = np.split(sums / n, [width])
    moments, spread = np.zeros((width, width + len(said))), 0.0
    for features, logits in rows_of(data, name):
        centred, answers = features - mean, logits - said
        moments += centred.T @ np.concatenate([centred, answers], 1)
        spread += float((answers**2).sum())
    covariance, crossed = np.split(moments / n, [width], axis=1)
    variances, directions = np.linalg.eigh(covariance)
    varies = variances > max(_VARIES**2 * variances[-1], 0.0)
    if not varies.any():
        raise DataError(
            f"{name} expects features that vary, got none that do: fit it on more images"
        )
    basis = directions[:, varies]
    weight = basis @ ((basis.T @ crossed) / variances[varies][:, None])
    bias = said - mean @ weight
    tolerance = max(weight.shape) * float(np.finfo(np.float32).eps)
    known = int(varies.sum())
    note = (
        f"the features of the {n} rows to fit on vary in {known} directions of {width}: the weights "
        "of the last layer in others are not known, and count as 0; fit on more images"
    )
    return LastLayer(
        weight,
        bias,
        -np.linalg.pinv(weight.T, rcond=tolerance) @ bias,
        mean,
        covariance,
        (spread / (n * len(said))) ** 0.5,
        n,
        note if known < width else "",
    )


def rows_of(data: FitData, name: str) -> Iterator[tuple[Array, Array]]:
    """Yield features `[N, D]` and logits `[N, K]` of each block, float64.

    Raises:
        DataError: One of them is missing.
    """
    for block in data:
        if block.features is None or block.logits is None:
            missing = "features" if block.features is None else "logits"
            raise DataError(
                f"{name} expects features and logits to fit on, got no {missing}: fit on the "
                "predictions of a classifier that has both"
            )
        yield block.features.double().numpy(), block.logits.double().numpy()
