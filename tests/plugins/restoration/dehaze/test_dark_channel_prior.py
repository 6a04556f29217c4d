"""The dark channel prior where its assumption holds exactly, and its filters by brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import minimum_filter
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.medium.haze import Haze
from adversity_plugins.restoration._box import box_mean, guided_filter, local_minimum
from adversity_plugins.restoration.dehaze.dark_channel_prior import DarkChannelPrior


def _coloured(generator: torch.Generator) -> Tensor:
    """Return an image in which every pixel has a black channel, `[1, 3, 24, 32]` float64."""
    images = 0.1 + 0.8 * torch.rand(1, 3, 24, 32, dtype=torch.float64, generator=generator)
    black = torch.randint(0, 3, (1, 1, 24, 32), generator=generator)
    return images.scatter(1, black, 0.0)


def test_where_the_prior_holds_the_clear_image_comes_back() -> None:
    """With a black channel in each pixel, one pixel of pure haze, omega 1 and no filter it is exact.

    Windows of one pixel, so that the depth may vary; float64 throughout, hence 1e-9, found
    maps in float32.
    """
    generator = torch.Generator().manual_seed(0)
    clear = _coloured(generator)
    through = 0.3 + 0.6 * torch.rand(1, 1, 24, 32, dtype=torch.float64, generator=generator)
    air = torch.tensor([0.85, 0.9, 0.95], dtype=torch.float64).view(1, 3, 1, 1)
    through[0, 0, 3, 4] = 0
    hazy = through * clear + air * (1 - through)
    answer = DarkChannelPrior(omega=1, window=1, t0=1e-6, radius=0).restore(hazy)
    torch.testing.assert_close(answer.found["airlight"], air.flatten(1).float())
    torch.testing.assert_close(answer.found["transmission"], through.float(), atol=1e-6, rtol=0)
    clear[0, :, 3, 4] = air.flatten()
    torch.testing.assert_close(answer.images, clear, atol=1e-9, rtol=0)


@pytest.mark.parametrize("size", [1, 3, 15])
@pytest.mark.parametrize("shape", [(1, 1), (9, 4), (17, 20)])
def test_the_local_minimum_is_that_of_scipy(size: int, shape: tuple[int, int]) -> None:
    """What lies outside the image never counts: the border pixels repeated are no smaller."""
    values = torch.rand((2, 1, *shape), generator=torch.Generator().manual_seed(0))
    own = local_minimum(values, size).numpy()
    for image, ours in zip(values.numpy()[:, 0], own[:, 0], strict=True):
        np.testing.assert_array_equal(ours, minimum_filter(image, size, mode="nearest"))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_guided_filter_is_a_local_regression(channels: int) -> None:
    """Against ridge regressions written as loops over windows, in NumPy. Tolerance: float64."""
    generator = torch.Generator().manual_seed(0)
    guide = torch.rand(1, channels, 7, 9, dtype=torch.float64, generator=generator)
    plane = torch.rand(1, 1, 7, 9, dtype=torch.float64, generator=generator)
    own = guided_filter(guide, plane, radius=2, eps=0.01)[0, 0].numpy()
    fits = {
        (row, column): _ridge(guide, plane, row, column) for row in range(7) for column in range(9)
    }
    for row in range(7):
        for column in range(9):
            around = [
                fit for (y, x), fit in fits.items() if abs(y - row) <= 2 and abs(x - column) <= 2
            ]
            here = np.append(guide[0, :, row, column].numpy(), 1)
            expected = np.mean(around, axis=0) @ here
            assert own[row, column] == pytest.approx(expected, abs=1e-10)


def _ridge(guide: Tensor, plane: Tensor, row: int, column: int) -> np.ndarray:
    """Return slopes and offset of the regression in a window of radius 2."""
    window = (slice(max(0, row - 2), row + 3), slice(max(0, column - 2), column + 3))
    x = guide[0][:, window[0], window[1]].reshape(guide.shape[1], -1).T.numpy()
    y = plane[0, 0][window].reshape(-1).numpy()
    centred = x - x.mean(0)
    matrix = centred.T @ centred / len(y) + 0.01 * np.eye(x.shape[1])
    slope = np.linalg.solve(matrix, centred.T @ (y - y.mean()) / len(y))
    return np.append(slope, y.mean() - slope @ x.mean(0))


def test_the_mean_of_a_window_leaves_out_what_is_outside() -> None:
    """A constant stays a constant up to the border."""
    ones = torch.ones(1, 2, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(box_mean(ones, 4), ones)


@pytest.mark.parametrize("light", ["encoded", "linear"])
def test_it_clears_haze_of_photos(light: str, photos: Tensor) -> None:
    """At severity 4 the photos gain 3 dB on average; of 64 x 48, so with smaller windows."""
    haze = Haze.model_validate({"severity": 4, "light": light})
    hazy = haze.degrade(photos, SampleRng(seed=0, step="test", ids="abc"))
    clear = DarkChannelPrior(window=5).restore(hazy.images).images
    before = -10 * (hazy.images - photos).square().mean((1, 2, 3)).log10()
    after = -10 * (clear - photos).square().mean((1, 2, 3)).log10()
    assert (after - before).mean() > 3, (before, after)


def test_an_even_window_is_refused() -> None:
    """A window has a centre."""
    with pytest.raises(ValidationError, match="window must be odd, got 8; try 9"):
        DarkChannelPrior(window=8)
