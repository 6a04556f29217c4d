"""Rain: each form against its formula, and what a severity adds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.medium._lens_drops import drops_on_lens
from adversity_plugins.degradation.medium._streaks import streaks
from adversity_plugins.degradation.medium.rain import Rain

Streams = Callable[..., SampleRng]
FORMS = pytest.mark.parametrize("form", ["streak", "drop", "mist"])


def test_streaks_are_added_and_cut_at_white(photos: Tensor, streams: Streams) -> None:
    """out = min(1, in + S), with S as told: the same in all channels."""
    answer = Rain(severity=4).degrade(photos, streams(*"abc"))
    torch.testing.assert_close(answer.images, (photos + answer.side["rain"]).clamp(max=1))
    assert (answer.side["transmission"] == 1).all()
    assert (answer.side["rain"] > 0.1).float().mean() > 0.02


def test_the_image_comes_back_out_of_mist(photos: Tensor, streams: Streams) -> None:
    """in + S = (out - A (1 - t)) / t, where nothing was cut off. Tolerance: float32 over t."""
    dim = photos * 0.25
    answer = Rain(severity=3, form="mist").degrade(dim, streams(*"abc"))
    through, light = answer.side["transmission"], answer.side["rain"]
    back = (answer.images - 0.8 * (1 - through)) / through - light
    torch.testing.assert_close(back, dim, atol=1e-5, rtol=0)
    assert through.min() < 0.45


def test_outside_drops_nothing_changes(photos: Tensor, streams: Streams) -> None:
    """Where the cover is 0 the image is seen, pixel for pixel; where it is 1, something else."""
    answer = Rain(severity=5, form="drop").degrade(photos, streams(*"abc"))
    dry = (answer.side["rain"] == 0).expand_as(photos)
    assert torch.equal(answer.images[dry], photos[dry])
    wet = (answer.side["rain"] == 1).expand_as(photos)
    assert (answer.images[wet] - photos[wet]).abs().mean() > 0.05


def test_a_drop_shows_the_scene_upside_down(streams: Streams) -> None:
    """Inside a drop to look further down is to look further up, and so across."""
    looks, cover = drops_on_lens(streams("a"), 200, 200, density=0.01)
    inside = cover[0, 0] == 1
    rows = inside.any(1).nonzero().flatten()
    columns = inside.any(0).nonzero().flatten()
    middle, centre = int(rows.float().mean()), int(columns.float().mean())
    down = looks[0, :, centre, 1][inside[:, centre]]
    across = looks[0, middle, :, 0][inside[middle]]
    assert len(down) > 2
    assert (down.diff() < 0).all()
    assert (across.diff() < 0).all()


@FORMS
def test_more_density_adds_to_the_same_rain(form: Any, photos: Tensor, streams: Streams) -> None:
    """Strength and length fixed, what is covered stays covered."""
    given = {"length": 0.12, "strength": 0.5, "mist": 0.5, "form": form}
    layers = [
        Rain(density=density, **given).degrade(photos, streams(*"abc")).side["rain"]
        for density in (0.2, 0.5, 1.0)
    ]
    for less, more in itertools.pairwise(layers):
        assert (more >= less).all()
        assert more.sum() > 1.2 * less.sum()


def test_streaks_are_nearly_vertical_and_as_long_as_said(streams: Streams) -> None:
    """Light changes less along the columns than along the rows; a lone streak keeps to its length."""
    names = [str(k) for k in range(8)]
    layer = streaks(streams(*names), 112, 112, density=2, length=0.3, strength=1)
    down, across = layer.diff(dim=2).abs().mean(), layer.diff(dim=3).abs().mean()
    assert across > 2 * down
    one = streaks(streams(*names), 112, 112, density=1 / 51, length=0.3, strength=1)
    for image in one[:, 0]:
        rows = (image > 0).any(1).nonzero().flatten()
        if len(rows):  # it may fall beside the image
            assert int(rows.max() - rows.min()) <= 0.3 * 112 + 6
    assert one.max() <= 1


@FORMS
def test_it_is_exactly_differentiable(form: Any, streams: Streams) -> None:
    """Below white every form is affine in the image: a finite difference is exact, in float64."""
    generator = torch.Generator().manual_seed(0)
    images = 0.1 + 0.2 * torch.rand(1, 3, 24, 20, dtype=torch.float64, generator=generator)
    step = 0.01 * torch.rand(images.shape, dtype=torch.float64, generator=generator)
    plugin = Rain(density=0.5, length=0.2, strength=0.3, mist=0.5, form=form)
    images.requires_grad_()
    base = plugin.degrade(images, streams("a")).images
    weights = torch.rand(base.shape, dtype=torch.float64, generator=generator)
    (slope,) = torch.autograd.grad((base * weights).sum(), images)
    moved = plugin.degrade(images.detach() + step, streams("a")).images
    difference = ((moved - base.detach()) * weights).sum()
    torch.testing.assert_close((slope * step).sum(), difference, rtol=1e-9, atol=1e-12)
