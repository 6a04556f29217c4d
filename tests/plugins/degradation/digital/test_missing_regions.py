"""Missing regions: how much is hidden, by what, and that nothing else changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from scipy.ndimage import label
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.digital._glyphs import letters
from adversity_plugins.degradation.digital._holes import HoleKind
from adversity_plugins.degradation.digital.missing_regions import MissingRegions

Streams = Callable[..., SampleRng]
SHAPES = pytest.mark.parametrize("shapes", get_args(HoleKind))


@SHAPES
@pytest.mark.parametrize("share", [0, 0.05, 0.3])
def test_at_least_the_share_is_hidden_and_not_much_more(
    shapes: Any, share: float, photos: Tensor, streams: Streams
) -> None:
    """The last shape goes over by its own size at most: a rectangle has 4 % of the image."""
    plugin = MissingRegions(share=share, shapes=shapes)
    answer = plugin.degrade(photos, streams("a", "b", "c"))
    missing = 1 - answer.side["mask"].mean((1, 2, 3))
    assert (missing >= share - 1e-6).all()
    assert (missing <= share + (0.06 if share else 0)).all()


@SHAPES
def test_known_pixels_stay_and_missing_ones_are_the_fill(
    shapes: Any, photos: Tensor, streams: Streams
) -> None:
    """out = in where the mask is 1, else the fill, in every channel; each image has its own hole."""
    answer = MissingRegions(severity=2, shapes=shapes, fill=0.25).degrade(photos, streams(*"abc"))
    known = (answer.side["mask"] == 1).expand_as(photos)
    assert torch.equal(answer.images[known], photos[known])
    assert (answer.images[~known] == 0.25).all()
    assert not torch.equal(known[0], known[1])


@SHAPES
def test_a_larger_share_hides_what_a_smaller_one_hides(
    shapes: Any, photos: Tensor, streams: Streams
) -> None:
    """Conditions are compared on the same shapes."""
    masks = [
        MissingRegions(severity=severity, shapes=shapes)
        .degrade(photos, streams(*"abc"))
        .side["mask"]
        for severity in range(1, 6)
    ]
    for smaller, larger in itertools.pairwise(masks):
        assert (larger <= smaller).all()
        assert larger.sum() < smaller.sum()


@SHAPES
def test_with_fill_0_it_is_its_own_adjoint(shapes: Any, streams: Streams) -> None:
    """<M x, y> = <x, M y>: a projection. Tolerance: float64."""
    generator = torch.Generator().manual_seed(0)
    plugin = MissingRegions(severity=3, shapes=shapes)
    x, y = torch.rand(2, 1, 3, 20, 30, dtype=torch.float64, generator=generator).unbind(0)
    first, second = (plugin.degrade(one, streams("a")).images for one in (x, y))
    torch.testing.assert_close((first * y).sum(), (x * second).sum())
    assert torch.equal(plugin.degrade(first, streams("a")).images, first)


def test_text_is_made_of_letters(streams: Streams) -> None:
    """At seven pixels a letter each connected part fits a cell of 5 x 7, where lines do not cross."""
    image = torch.ones(1, 1, 70, 400)
    mask = MissingRegions(share=0.01, shapes="text").degrade(image, streams("a")).side["mask"]
    parts, count = label(mask[0, 0].numpy() == 0, structure=[[1] * 3] * 3)
    assert count >= 5
    font = letters()
    seen = 0
    for number in range(1, count + 1):
        rows, columns = (parts == number).nonzero()
        if (rows.max() - rows.min(), columns.max() - columns.min()) != (6, 4):
            continue  # an I is narrower, and a letter at the border is cut
        top, left = rows.min(), columns.min()
        shape = torch.from_numpy(parts[top : top + 7, left : left + 5] == number)
        assert (font == shape).all((1, 2)).any()
        seen += 1
    assert seen >= 3


def test_every_letter_is_another() -> None:
    """Sixteen shapes of 7 x 5, the last a space."""
    font = letters()
    assert font.shape == (16, 7, 5)
    assert len({tuple(one.flatten().tolist()) for one in font}) == 16
    assert not font[-1].any()
