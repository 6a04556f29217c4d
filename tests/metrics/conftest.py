"""Synthetic answers whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@pytest.fixture
def draw() -> Callable[..., Arrays]:
    """Draw labels from softmax(Z) and return the logits `scale * Z` with them."""

    def make(*, n: int, classes: int = 10, scale: float = 1.0, seed: int = 0) -> Arrays:
        rng = np.random.default_rng(seed)
        z = 2.0 * rng.standard_normal((n, classes))
        labels = (softmax(z, axis=1).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
        return scale * z, np.minimum(labels, classes - 1)

    return make
