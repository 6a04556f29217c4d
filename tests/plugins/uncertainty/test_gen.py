"""Generalized entropy in closed form, for all classes and for the most probable."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import adversity

# What pytorch-ood 0.4.0 gives for the logits below, times the number of classes that count: its
# score is a mean.
LOGITS = torch.tensor([[2.0, 1.0, 0.5, -1.0], [6.0, 0.0, 0.0, -2.0], [0.1, 0.2, 0.0, 0.1]])
PEER = {
    (0.1, None): [3.21592001938, 2.13729097570, 3.38255082212],
    (0.5, 2): [0.90493095211, 0.12196430177, 0.87946955354],
}


@pytest.mark.parametrize(("gamma", "top"), PEER)
def test_as_pytorch_ood(gamma: float, top: int | None) -> None:
    """To the rounding of logits in float32; probabilities are clamped to 1e-7, as none of these is."""
    found = adversity.create("uncertainty", "gen", gamma=gamma, top=top)(LOGITS)
    assert found.tolist() == pytest.approx(PEER[gamma, top], abs=1e-8)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=8))
def test_gamma_one_is_the_gini_index(logits: list[float]) -> None:
    """1 less the sum of squares."""
    row = torch.tensor([logits], dtype=torch.float64)
    found = adversity.create("uncertainty", "gen", gamma=1)(row)
    # A row of probabilities sums to 1 within a rounding or two.
    assert float(found) == pytest.approx(float(1 - row.softmax(1).square().sum()), abs=1e-12)


def test_equal_classes_are_worst_and_a_sure_answer_is_0() -> None:
    """K (1/K (1 - 1/K))^gamma; with more to count than there are classes, all count."""
    gen = adversity.create("uncertainty", "gen", gamma=0.3, top=100)
    found = gen(torch.tensor([[0.0] * 5, [900.0, 0, 0, 0, 0]]))
    assert found.tolist() == pytest.approx([5 * (0.2 * 0.8) ** 0.3, 0], abs=1e-12)
