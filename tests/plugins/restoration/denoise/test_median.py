"""The median filter against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import median_filter, uniform_filter
from torch import Tensor

from adversity_plugins.restoration.denoise.median import Median


@pytest.mark.parametrize("size", [3, 5])
def test_equals_scipy(size: int, noisy: Tensor) -> None:
    """To the bit, up to the border."""
    restored = Median(window_size=size).restore(noisy)
    expected = median_filter(noisy.numpy(), size=(1, 1, size, size), mode="reflect")
    assert np.array_equal(restored, expected)


def test_outliers_leave_no_trace() -> None:
    """Up to four of nine values may be anything; a mean would move with one."""
    images = torch.full((1, 1, 7, 7), 0.25)
    images[0, 0, 3, 2:5] = torch.tensor([1.0, 0.0, 1.0])
    assert torch.equal(Median().restore(images), torch.full((1, 1, 7, 7), 0.25))


def test_the_stand_in_is_the_mean_of_the_window(noisy: Tensor) -> None:
    """An attack's gradient spreads evenly over the window. Tolerance: the order of nine sums."""
    expected = uniform_filter(noisy.double().numpy(), size=(1, 1, 3, 3), mode="reflect")
    np.testing.assert_allclose(Median().surrogate(noisy), expected, atol=1e-6)


def test_an_even_window_is_refused_with_the_next_odd_one() -> None:
    """A window needs a centre."""
    with pytest.raises(ValidationError, match="window_size must be odd, got 4; try 5"):
        Median(window_size=4)
