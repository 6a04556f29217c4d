"""ASH by hand: what is left, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from adversity.errors import DataError
from adversity_plugins.uncertainty.detector.ash import ASH

if TYPE_CHECKING:
    from torch import Tensor


def test_by_hand() -> None:
    """Of (4, 1, 3, 2, 0), 40 % are set to 0: 4, 3 and 2 are left, of 10 in all 9."""
    given_ = torch.tensor([[4.0, 1.0, 3.0, 2.0, 0.0]])
    kept = np.array([4.0, 0.0, 3.0, 2.0, 0.0])
    by_hand = {"p": kept, "b": (kept > 0) * 10 / 3, "s": kept * np.exp(10 / 9)}
    for variant, expected in by_hand.items():
        plugin = ASH(variant=variant, share=0.4)
        seen: list[Tensor] = []
        plugin.take_head(lambda features, seen=seen: seen.append(features) or features)
        found = plugin.score(given_, given_)
        np.testing.assert_allclose(seen[0][0], expected, rtol=1e-6)
        assert found[0].item() == pytest.approx(-np.logaddexp.reduce(expected), rel=1e-6)


def test_ties_zeros_and_negative_features() -> None:
    """The first of equal ones are left; nothing active stays so; a sum with signs is refused."""
    seen: list[Tensor] = []
    for plugin in (ASH(variant="s", share=0.5), ASH(variant="b", share=0.5)):
        plugin.take_head(lambda features: seen.append(features) or features)
        plugin.score(torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]), torch.zeros(2, 2))
        assert (seen[-1][0] > 0).tolist() == [True, True, False, False]
        assert (seen[-1][1] == 0).all()
        with pytest.raises(DataError, match="of which the largest 1 sum to more than 0, got -1: t"):
            plugin.score(torch.tensor([[-1.0, -3.0]]), torch.zeros(1, 2))
    with pytest.raises(DataError, match=r"leaves one of the 2 features or more, got 0.9"):
        ASH(share=0.9).score(torch.ones(1, 2), torch.zeros(1, 2))
