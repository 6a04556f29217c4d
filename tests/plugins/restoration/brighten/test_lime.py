"""LIME on photos: what it brightens, and by how much."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity_plugins.restoration.brighten._illumination import refine
from adversity_plugins.restoration.brighten.lime import LIME


def test_a_dark_photo_comes_back_towards_the_original(photos: Tensor, dark: Tensor) -> None:
    """Mean brightness and PSNR rise for each photo, by at least 3 dB."""
    restored = LIME().restore(dark)
    before = (dark - photos).square().mean((1, 2, 3))
    after = (restored - photos).square().mean((1, 2, 3))
    assert (10 * (before / after).log10() > 3).all()
    assert (restored.mean((1, 2, 3)) > 1.5 * dark.mean((1, 2, 3))).all()


def test_a_flat_image_is_divided_by_its_brightest_channel() -> None:
    """With a constant illumination T nothing is smoothed: out = in / (T + 0.001)^gamma."""
    colour = torch.tensor([0.2, 0.1, 0.05]).view(1, 3, 1, 1)
    restored = LIME(gamma=0.8).restore(colour.expand(1, 3, 9, 9))
    expected = (colour / 0.201**0.8).expand(1, 3, 9, 9)
    torch.testing.assert_close(restored, expected, atol=1e-6, rtol=0)


def test_colour_ratios_are_kept(dark: Tensor) -> None:
    """One map divides all three channels, so hue stays wherever nothing is cut off at white.

    Tolerance: float32 rounding of two quotients.
    """
    restored = LIME().restore(dark)
    kept = (restored.amax(1, keepdim=True) < 1) & (dark.amin(1, keepdim=True) > 0.01)
    ratios = [(x[:, :1] / x[:, 1:2])[kept] for x in (dark, restored)]
    assert kept.float().mean() > 0.5
    np.testing.assert_allclose(ratios[0], ratios[1], rtol=1e-5)


def test_the_division_is_by_the_refined_map_of_the_brightest_channel(dark: Tensor) -> None:
    """The parts fit together as the docstring's formula says."""
    light = refine(dark.amax(1).double(), alpha=0.3, window_sigma=1.5).unsqueeze(1)
    expected = (dark / (light + 1e-3) ** 0.6).clamp(max=1).float()
    restored = LIME(alpha=0.3, gamma=0.6, window_sigma=1.5).restore(dark)
    torch.testing.assert_close(restored, expected, atol=1e-6, rtol=0)


def test_gamma_zero_leaves_the_image(dark: Tensor) -> None:
    """T ** 0 is 1: the parameter's end is no brightening at all."""
    torch.testing.assert_close(LIME(gamma=0).restore(dark), dark)


@pytest.mark.parametrize("wrong", [{"alpha": 0}, {"gamma": 1.5}, {"window_sigma": 0}])
def test_refuses_parameters_without_meaning(wrong: dict[str, float]) -> None:
    """No smoothing term, over-division and an empty window are errors that name themselves."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        LIME(**wrong)
