"""Posterized images against the written-out levels and what is known of rounding."""

from __future__ import annotations

import pytest
import torch

import adversity

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("tones", [2, 3, 16])
def test_each_value_is_the_nearest_level(tones: int) -> None:
    """Of all levels, looked through one by one."""
    found = adversity.create("degradation", "posterize", tones=tones)(IMAGES)
    ladder = torch.linspace(0, 1, tones)
    nearest = ladder[(IMAGES[..., None] - ladder).abs().argmin(-1)]
    torch.testing.assert_close(found, nearest)
    assert len(found.unique()) == tones


@pytest.mark.parametrize(("severity", "tones"), [(1, 32), (2, 16), (3, 8), (4, 5), (5, 3)])
def test_the_error_is_that_of_rounding(severity: int, tones: int) -> None:
    """Of evenly spread values: at most half a step, and its variance is step^2 / 12, to 3 %.

    24 576 values; at black and white half a step is missing, which is the most at 3 levels.
    """
    error = adversity.create("degradation", "posterize", severity=severity)(IMAGES) - IMAGES
    step = 1 / (tones - 1)
    assert float(error.abs().max()) <= step / 2 + 1e-6
    assert float(error.double().square().mean()) == pytest.approx(step**2 / 12, rel=0.03)


def test_what_has_the_levels_already_stays() -> None:
    """Twice is once; black and white stay, and a mean does not get darker."""
    plugin = adversity.create("degradation", "posterize", tones=5)
    once = plugin(IMAGES)
    assert torch.equal(plugin(once), once)
    assert torch.equal(plugin(torch.tensor([0.0, 1.0]).repeat(1, 1, 16, 8)).unique(),
                       torch.tensor([0.0, 1.0]))  # fmt: skip
    assert abs(float(once.mean() - IMAGES.mean())) < 0.005
