"""Uniform noise against what is known of a uniform variable."""

from __future__ import annotations

import pytest
import torch

import adversity

GREY = torch.full((3, 3, 64, 64), 0.5)


@pytest.mark.parametrize("amplitude", [0.05, 0.3])
def test_moments_are_those_of_a_uniform_variable(amplitude: float) -> None:
    """Variance a^2 / 3, fourth moment a^4 / 5; 36 864 draws: five standard errors."""
    plugin = adversity.create("degradation", "uniform_noise", amplitude=amplitude)
    scaled = ((plugin(GREY, seed=1) - GREY) / amplitude).double()
    count = scaled.numel()
    assert float(scaled.abs().max()) <= 1 + 1e-5
    assert abs(float(scaled.mean())) < 5 * (1 / 3 / count) ** 0.5
    assert abs(float(scaled.square().mean()) - 1 / 3) < 5 * ((1 / 5 - 1 / 9) / count) ** 0.5
    assert abs(float(scaled.pow(4).mean()) - 1 / 5) < 5 * ((1 / 9 - 1 / 25) / count) ** 0.5
    assert float(scaled.abs().max()) > 0.999
    assert plugin.side["sigma"].tolist() == pytest.approx([amplitude / 3**0.5] * 3)


def test_severities_are_as_strong_as_gaussian_noise() -> None:
    """They tell the same sigma."""
    for severity in range(1, 6):
        told = []
        for name in ("uniform_noise", "gaussian_noise"):
            plugin = adversity.create("degradation", name, severity=severity)
            plugin(GREY)
            told.append(plugin.side["sigma"])
        torch.testing.assert_close(*told)


def test_values_stay_in_range_and_neighbours_differ() -> None:
    """White stays below 1; each sample and each channel has noise of its own."""
    plugin = adversity.create("degradation", "uniform_noise", severity=3)
    found = plugin(torch.ones(2, 3, 16, 16))
    assert 0 <= float(found.min()) < float(found.max()) == 1
    planes = {plane.numpy().tobytes() for image in found for plane in image}
    assert len(planes) == 6
