"""The Gaussian kernel machine of `rbf_svm`: fitted by scikit-learn, computed in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["learn", "scores_of", "tensors"]

Array = np.ndarray[Any, Any]


def learn(
    pixels: Array, labels: Array, counts: Array | None = None, *, c: float, gamma: float | str
) -> tuple[Mapping[str, Array], dict[str, Any]]:
    """Fit one machine for each class against the rest.

    Args:
        pixels: `[N, D]` float32.
        labels: `[N]` int64.
        counts: `[N]` float64, what each image counts: its price is `c` times that; None for 1.
        c: The price of a point on the wrong side.
        gamma: Of the kernel, or `scale`.

    Returns:
        Support vectors `points` `[M, D]` float32, each once, `weights` `[K, M]`, `bias` `[K]`
        and `gamma` `[1]`; and facts.

    Raises:
        DataError: If `gamma` is `scale` and all pixels are equal.
    """
    from sklearn.svm import SVC

    table = pixels.astype(np.float64)
    if isinstance(gamma, str):
        variance = float(table.var()) if counts is None else _variance(table, counts)
        if variance == 0:
            raise DataError(
                "fitting classifier 'rbf_svm' with gamma: scale needs pixels that differ, all are "
                f"{table.flat[0]:.6g}; check the training set, or give `gamma` as a number"
            )
        gamma = 1 / (table.shape[1] * variance)
    classes = int(labels.max()) + 1
    rivals = range(classes) if classes > 2 else (1,)
    weights, bias = np.zeros((classes, len(table))), np.zeros(classes)
    for k in rivals:
        model = SVC(C=c, kernel="rbf", gamma=gamma).fit(table, labels == k, sample_weight=counts)
        weights[k, model.support_] = model.dual_coef_[0]
        bias[k] = model.intercept_[0]
    if classes == 2:
        weights[0], bias[0] = -weights[1], -bias[1]
    used = np.flatnonzero(weights.any(0))
    arrays = {
        "points": pixels[used],
        "weights": weights[:, used],
        "bias": bias,
        "gamma": np.array([gamma]),
    }
    return arrays, {"support_vectors": len(used), "gamma": float(gamma)}


def _variance(table: Array, counts: Array) -> float:
    """Return that of all pixels, each image as often as it counts."""
    mean = np.average(table.mean(1), weights=counts)
    return float(np.average(np.square(table - mean).mean(1), weights=counts))


def tensors(arrays: dict[str, Array], device: str) -> dict[str, Any]:
    """Return the arrays as float64 tensors, with the points' squared lengths.

    Raises:
        ValueError: If their shapes do not fit.
    """
    points, weights = arrays["points"], arrays["weights"]
    if weights.shape != (len(arrays["bias"]), len(points)) or arrays["gamma"].shape != (1,):
        raise ValueError(f"weights {weights.shape} do not fit points {points.shape}")
    loaded = {name: torch.from_numpy(value).double().to(device) for name, value in arrays.items()}
    return loaded | {"lengths": loaded["points"].square().sum(1)}


def scores_of(pixels: Tensor, learnt: dict[str, Any]) -> Tensor:
    """Return the decision functions `[N, K]` float64 for `[N, D]`."""
    wide = pixels.double()
    squares = wide.square().sum(1, keepdim=True) + learnt["lengths"]
    distances = squares - 2 * wide @ learnt["points"].T
    kernel = torch.exp(-learnt["gamma"] * distances)
    scores: Tensor = kernel @ learnt["weights"].T + learnt["bias"]
    return scores
