"""Underwater against its formula, and back again by what it tells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.medium._jerlov import ATTENUATION, WaterType
from adversity_plugins.degradation.medium.underwater import Underwater
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

Streams = Callable[..., SampleRng]
WATERS = get_args(WaterType)


@pytest.mark.parametrize("water", WATERS)
@pytest.mark.parametrize("backscatter", [1.0, 0.7])
def test_the_image_in_air_comes_back_by_what_it_tells(
    water: Any, backscatter: float, photos: Tensor, streams: Streams
) -> None:
    """J = (out - B (1 - exp(-b K z))) exp(K z) exp(K deep), in linear light.

    Tolerance: float32 rounding of the encoded sum, 1e-7, times the inverse of what is left of
    the light, exp(K (z + deep)), times 12.92 for the encoding of dark values.
    """
    plugin = Underwater(range_m=2, water=water, deep_m=1, backscatter=backscatter)
    answer = plugin.degrade(photos, streams("a", "b", "c"))
    fades = answer.side["attenuation"].double()[:, :, None, None]
    metres, veil = answer.side["depth"].double(), answer.side["airlight"].double()
    veil = srgb_to_linear(veil)[:, :, None, None]
    light = srgb_to_linear(answer.images.double())
    light = light - veil * (1 - (-backscatter * fades * metres).exp())
    clear = linear_to_srgb((light * (fades * (metres + 1)).exp()).clamp(0, 1))
    worst = 1e-6 * 12.92 * math.exp(3 * max(ATTENUATION[water]))
    torch.testing.assert_close(clear, photos.double(), atol=worst, rtol=0)
    assert (answer.images - photos).abs().max() > 0.05


def test_the_light_of_a_white_card_is_the_closed_form(streams: Streams) -> None:
    """Flat at 5 m in type II, 3 m down: written out for red with K = 0.26 and min K = 0.062."""
    card = torch.ones(1, 3, 2, 2)
    plugin = Underwater(range_m=5, water="II", deep_m=3, veil=0.4, depth="flat")
    red = srgb_to_linear(plugin.degrade(card, streams("a")).images)[0, 0, 0, 0]
    veil = 0.4 * math.exp(-0.78) * 0.062 / 0.26
    expected = math.exp(-0.78) * math.exp(-1.3) + veil * (1 - math.exp(-1.3))
    assert float(red) == pytest.approx(expected, abs=1e-6)


def test_without_water_nothing_happens(photos: Tensor, streams: Streams) -> None:
    """Range 0 at the surface is the image. Tolerance: encoding there and back in float32."""
    same = Underwater(range_m=0, deep_m=0).degrade(photos, streams(*"abc")).images
    torch.testing.assert_close(same, photos, atol=1e-6, rtol=0)


def test_waters_are_from_clear_to_turbid_and_turn_from_blue_to_green_to_brown() -> None:
    """Green fades faster from type to type; blue passes best in I, green in 1C, red in 9C."""
    green = [ATTENUATION[water][1] for water in WATERS]
    assert all(a < b for a, b in itertools.pairwise(green))
    best = [min(range(3), key=lambda c: ATTENUATION[water][c]) for water in ("I", "1C", "9C")]
    assert best == [2, 1, 0]
