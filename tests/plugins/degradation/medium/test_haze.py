"""Haze against its formula, and back again by the maps that it tells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.medium._depth import DepthKind, depth_map
from adversity_plugins.degradation.medium.haze import Haze
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

Streams = Callable[..., SampleRng]
KINDS = get_args(DepthKind)


@pytest.mark.parametrize("light", ["encoded", "linear"])
@pytest.mark.parametrize("depth", KINDS)
def test_the_clear_image_comes_back_by_the_maps(
    depth: Any, light: Any, photos: Tensor, streams: Streams
) -> None:
    """J = (out - A (1 - t)) / t, in the space where it was mixed.

    Tolerance: float32 rounding, 1e-7, divided by the least t, 0.17, and stretched 12.92 times
    by the encoding of dark values.
    """
    plugin = Haze(severity=5, depth=depth, light=light)
    answer = plugin.degrade(photos, streams("a", "b", "c"))
    through, air = answer.side["transmission"], answer.side["airlight"][:, :, None, None]
    assert (answer.images - photos).abs().max() > 0.1
    if light == "linear":
        hazy, air = srgb_to_linear(answer.images), srgb_to_linear(air)
        clear = linear_to_srgb(((hazy - air * (1 - through)) / through).clamp(0, 1))
    else:
        clear = (answer.images - air * (1 - through)) / through
    torch.testing.assert_close(clear, photos, atol=5e-5, rtol=0)


def test_flat_haze_over_a_grey_card_is_the_closed_form(streams: Streams) -> None:
    """At depth 1, out = 0.2 exp(-1.2) + 0.9 (1 - exp(-1.2)). Tolerance: float32."""
    card = torch.full((1, 3, 4, 5), 0.2)
    out = Haze(beta=1.2, airlight=0.9, depth="flat").degrade(card, streams("a")).images
    through = math.exp(-1.2)
    assert out.flatten().tolist() == pytest.approx([0.2 * through + 0.9 * (1 - through)] * 60)


def test_the_airlight_is_drawn_as_in_reside(streams: Streams) -> None:
    """Each image has its own in [0.7, 1], the same in all channels, whatever beta is."""
    names = [str(k) for k in range(50)]
    images = torch.zeros(50, 3, 2, 2)
    air = Haze(beta=0.5).degrade(images, streams(*names)).side["airlight"]
    again = Haze(beta=1.5).degrade(images, streams(*names)).side["airlight"]
    assert torch.equal(air, again)
    assert (air == air[:, :1]).all()
    assert 0.7 <= air.min() < 0.75
    assert 0.95 < air.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_depth_is_relative_and_the_same_scene_at_any_size(kind: Any, streams: Streams) -> None:
    """Within [0.1, 1], and twice the pixels, averaged by fours, are the same scene.

    Allowed on average: 0.02, for edges that fall between pixels.
    """
    small = depth_map(kind, streams("a", "b"), 60, 80)
    large = depth_map(kind, streams("a", "b"), 120, 160)
    assert small.shape == (2, 1, 60, 80)
    assert small.min() >= 0.1 - 1e-6
    assert small.max() <= 1
    halved = torch.nn.functional.avg_pool2d(large, 2)
    assert (halved - small).abs().mean() < 0.02
    assert torch.equal(small[0], small[1]) == (kind == "flat")


def test_the_ground_recedes_to_the_horizon(streams: Streams) -> None:
    """Its depth times the distance below the horizon is constant: a plane in perspective."""
    depth = depth_map("ground", streams("a"), 200, 3)[0, 0, :, 1].double()
    rows = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
    assert (depth.diff() <= 0).all()
    assert depth[0] == 1
    below = rows[depth < 0.99]
    slope = (1 / depth[depth < 0.99]).diff()
    torch.testing.assert_close(slope, slope[:1].expand_as(slope), rtol=1e-3, atol=0)
    assert 0.25 < below[0] < 0.6


def test_things_in_a_scene_stand_nearer_than_the_ground_behind_them(streams: Streams) -> None:
    """Where `scene` differs from its own ground, it is nearer; edges in depth appear."""
    depth = depth_map("scene", streams("a"), 100, 100)
    assert (depth.diff(dim=3).abs() > 0.2).any()
    assert not (depth_map("ground", streams("a"), 100, 100).diff(dim=3) != 0).any()
