"""The adaptive Wiener filter against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.signal import wiener
from torch import Tensor

from adversity_plugins.restoration.denoise.wiener_filter import WienerFilter


@pytest.mark.parametrize("size", [3, 5, 7])
def test_equals_scipy(size: int, noisy: Tensor) -> None:
    """Of the mirrored image, since scipy continues it with 0. Tolerance: the answer is float32."""
    restored = WienerFilter(window_size=size).restore(noisy[:1], sigma=torch.tensor([0.1])).images
    for ours, channel in zip(restored[0], noisy[0].double().numpy(), strict=True):
        whole = np.pad(channel, size, mode="symmetric")
        expected = wiener(whole, size, float(np.float32(0.1)) ** 2)[size:-size, size:-size]
        np.testing.assert_allclose(ours, expected.clip(0, 1), atol=1e-6)


def test_an_even_window_is_refused_with_the_next_odd_one() -> None:
    """A window needs a centre."""
    with pytest.raises(ValidationError, match="window_size must be odd, got 4; try 5"):
        WienerFilter(window_size=4)
