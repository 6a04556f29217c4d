"""SHE by hand: patterns of what is classified right, and products with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from adversity import Block
from adversity.errors import DataError
from adversity_plugins.uncertainty.detector.she import SHE

RNG = np.random.default_rng(0)


class _Named(list):  # type: ignore[type-arg]
    class_names = ("a", "b")


def fitting(*, right: bool = True) -> Any:
    """Return four rows of two classes, of which the third is classified wrong, or three are."""
    features = torch.tensor([[1.0, 0.0], [3.0, 0.0], [9.0, 9.0], [0.0, 2.0]])
    logits = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([0, 0, 1, 1 if right else 0])
    return _Named([Block(("",) * 4, targets=labels, features=features, logits=logits)])


def test_by_hand() -> None:
    """Patterns (2, 0) and (0, 2): the wrong row is in neither."""
    plugin = SHE()
    state = plugin.fit(fitting(), RNG)
    assert state.arrays["patterns"].tolist() == [[2, 0], [0, 2]]
    assert state.info == {"n": 4, "right": 3, "classes": 2, "features": 2}
    rows, logits = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0]]), torch.eye(2)[[0, 1, 1]]
    plugin.load(state)
    assert plugin.score(rows, logits).tolist() == [-6, -8, 0]
    cosine = SHE(metric="cosine")
    cosine.load(state)
    assert cosine.score(rows, logits).tolist() == pytest.approx([-0.6, -0.8, 0])


def test_a_class_that_is_never_right_is_named() -> None:
    """And so are more classes than it was fitted on."""
    with pytest.raises(DataError, match=r"gets right to fit on, got none of b: fit it on more"):
        SHE().fit(fitting(right=False), RNG)
    plugin = SHE()
    plugin.load(plugin.fit(fitting(), RNG))
    with pytest.raises(DataError, match=r"she was fitted on 2 classes, got 3: fit it"):
        plugin.score(torch.ones(1, 2), torch.ones(1, 3))
