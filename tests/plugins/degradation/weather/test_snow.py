"""Snow against its formula."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.weather.snow import Snow

Streams = Callable[..., SampleRng]


def _levels(severity: int, **changes: float) -> dict[str, float]:
    return {**{name: of[severity - 1] for name, of in Snow.levels.items()}, **changes}


def test_without_flakes_the_scene_is_whitened(photos: Tensor, streams: Streams) -> None:
    """No noise is above the threshold: keep x + (1 - keep) max(x, 1.5 luma + 0.5)."""
    calm = Snow.model_validate(_levels(3, mean=0, std=0))
    worse = calm.degrade(photos, streams("a", "b", "c")).images
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    white = (photos * weights).sum(1, keepdim=True) * 1.5 + 0.5
    expected = (0.7 * photos + 0.3 * torch.maximum(photos, white)).clamp(max=1)
    torch.testing.assert_close(worse, expected, atol=1e-6, rtol=0)


def test_flakes_are_symmetric_white_and_fall_steeply(streams: Streams) -> None:
    """On black, kept whole, only flakes are left: the same turned by 180 degrees.

    They are longer than wide: neighbours above and below are more alike than left and right.
    """
    black = torch.zeros(8, 3, 96, 96)
    plugin = Snow.model_validate(_levels(3, keep=1, sigma_px=30))
    flakes = plugin.degrade(black, streams(*map(str, range(8)))).images
    torch.testing.assert_close(flakes, flakes.flip(2, 3))
    assert torch.equal(flakes[:, 0], flakes[:, 1])
    assert 0.02 < float(flakes.mean()) < 0.9
    down, across = flakes.diff(dim=2).square().mean(), flakes.diff(dim=3).square().mean()
    assert float(down) < float(across)


def test_the_amount_of_snow_is_that_of_the_noise(streams: Streams) -> None:
    """Smearing keeps the mean: twice the mean of normal noise cut at the threshold and at 1.

    With zoom 1 each pixel is a draw of its own. Standard error of 4 x 9216 draws with a standard
    deviation below 0.5, twice: 0.005; four of them and what the border repeats are allowed.
    """
    from scipy import integrate, stats

    law = stats.norm(0.2, 0.3)
    mean = integrate.quad(lambda v: v * law.pdf(v), 0.5, 1)[0] + law.sf(1)
    plugin = Snow.model_validate(_levels(2, zoom=1, keep=1, radius_px=3))
    flakes = plugin.degrade(torch.zeros(4, 1, 96, 96), streams("a", "b", "c", "d")).images
    assert abs(float(flakes.mean()) - 2 * mean) < 0.025
