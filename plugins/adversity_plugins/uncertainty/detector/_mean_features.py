"""The mean features of a fitting stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from adversity import FitData, State

__all__ = ["mean_features", "stored_mean"]


def mean_features(data: FitData, name: str) -> tuple[np.ndarray[Any, Any], int]:
    """Return the mean features `[D]` float64, and of how many rows.

    Raises:
        DataError: There are no rows or no features.
    """
    total: Any = 0.0
    n = 0
    for block in data:
        if block.features is None:
            raise DataError(
                f"{name} expects features to fit on, got none: fit on the predictions of a "
                "classifier that has some"
            )
        total = total + block.features.double().numpy().sum(0)
        n += len(block.features)
    if not n:
        raise DataError(f"{name} expects rows to fit on, got none")
    return total / n, n


def stored_mean(state: State, name: str, device: torch.device | str) -> torch.Tensor:
    """Return the mean `[D]` of a state.

    Raises:
        DataError: There is none.
    """
    mean = state.arrays.get("mean", np.zeros(0))
    if mean.ndim != 1 or not mean.size:
        raise DataError(
            f"{name} expects stored mean features [D], got {sorted(state.arrays)}: fit it again"
        )
    return torch.from_numpy(mean.copy()).to(device)
