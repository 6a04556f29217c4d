"""SelfEx: planted transforms are found, what is put together is exact, and what it gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

import adversity
from adversity_plugins.restoration.enlarge import _bicubic as bicubic
from adversity_plugins.restoration.enlarge import _self_examples as examples
from adversity_plugins.restoration.enlarge.self_ex import SelfEx

if TYPE_CHECKING:
    from collections.abc import Callable


def _field(y: Tensor, x: Tensor, *, stretch: float = 0.0, turn: float = 0.0) -> examples.Field:
    return examples.Field(y, x, torch.full_like(y, stretch), torch.full_like(y, turn))


def _texture(y: np.ndarray, x: np.ndarray) -> Tensor:
    """Return a smooth image that repeats nowhere near, at any places."""
    draw = np.random.default_rng(0)
    waves = draw.normal(size=(30, 2)) * 0.35
    phases = draw.uniform(0, 2 * np.pi, 30)
    value = sum(
        np.sin(down * y + right * x + phase)
        for (down, right), phase in zip(waves, phases, strict=True)
    )
    return torch.from_numpy(0.5 + 0.05 * np.asarray(value)).float()[None, None]


def test_patches_are_taken_where_the_field_says(photos: Tensor) -> None:
    """In place: those of the image. A quarter turn and twice the size: every second pixel, turned."""
    image = photos[:1, :1]
    place = torch.tensor([20.0]), torch.tensor([30.0])
    found = examples.sampled(image, _field(*place))
    torch.testing.assert_close(found.view(5, 5), image[0, 0, 18:23, 28:33], rtol=0, atol=1e-5)
    turned = examples.sampled(image, _field(*place, stretch=float(np.log(2)), turn=np.pi / 2))
    # A step down the patch is a step to the left of the source; one to the right is a step down.
    around = image[0, 0, 16:25:2, 26:35:2]
    torch.testing.assert_close(turned.view(5, 5), torch.rot90(around, 1, (0, 1)), rtol=0, atol=1e-4)


def test_a_planted_transform_is_found() -> None:
    """An image that is a source turned by 0.2, 1.1 times the size and moved: most are right.

    Half a pixel: patches of a smooth texture look alike nearby.
    """
    side = 40
    y, x = np.mgrid[0:side, 0:side].astype(float)
    source = _texture(y, x)
    cosine, sine = 1.1 * np.cos(0.2), 1.1 * np.sin(0.2)
    down, right = 6 + cosine * (y - 10) + sine * (x - 10), 14 - sine * (y - 10) + cosine * (x - 10)
    soft = _texture(down, right)
    field, misfit = examples.matched(soft, source, turns=12)
    begun, at_first = examples.matched(soft, source, turns=0)
    assert float(misfit.median()) < 0.02 * float(at_first.median())
    truth = torch.from_numpy(np.stack([down[::2, ::2], right[::2, ::2]])).reshape(2, -1)
    inside = ((truth > 3) & (truth < side - 4)).all(0)
    off = (torch.stack([field.y, field.x]) - truth).norm(dim=0)[inside]
    first = (torch.stack([begun.y, begun.x]) - truth).norm(dim=0)[inside]
    assert float((off < 0.5).float().mean()) > 0.7
    assert float((first < 0.5).float().mean()) < 0.1


def test_longer_search_fits_better(photos: Tensor) -> None:
    """No patch worse: the turns that come later only take what is better."""
    soft = bicubic.resized(photos[:1, :1, :24, :31], 33, 43)
    source = photos[:1, :1, :24, :31]
    misfits = [examples.matched(soft, source, turns=turns)[1] for turns in (0, 1, 3)]
    assert misfits[0].shape == (17 * 22,)
    assert bool((misfits[1] <= misfits[0]).all())
    assert bool((misfits[2] <= misfits[1]).all())
    assert float(misfits[2].sum()) < 0.9 * float(misfits[1].sum())


def test_patches_in_place_put_an_image_together_again(photos: Tensor) -> None:
    """All say the same of a pixel, so their mean does; odd sides too."""
    for image in (photos[:1, :1, :24, :32], photos[:1, :1, :23, :31]):
        height, width = image.shape[2:]
        y, x = torch.meshgrid(
            torch.arange(0.0, height, 2), torch.arange(0.0, width, 2), indexing="ij"
        )
        whole = examples.borrowed(image, _field(y.reshape(-1), x.reshape(-1)), height, width)
        inside = (..., slice(2, -2), slice(2, -2))  # at the border it goes on as the border is
        torch.testing.assert_close(whole[inside], image[inside], rtol=0, atol=1e-5)


def test_it_gains_on_photos(judged_by: list[Tensor], luma_psnr: Callable[..., float]) -> None:
    """0.3 dB and more above bicubic on each; and it shrinks to what was given, within a hundredth."""
    for clean in judged_by:
        small = adversity.create("degradation", "downsample")(clean)
        plain = adversity.create("restoration", "bicubic")(small)
        large = SelfEx(turns=1).restore(small)
        assert luma_psnr(large, clean, 2) > luma_psnr(plain, clean, 2) + 0.3
        again = bicubic.luma(bicubic.resized(large, *small.shape[2:])) - bicubic.luma(small)
        before = bicubic.luma(bicubic.resized(plain, *small.shape[2:])) - bicubic.luma(small)
        assert again.square().mean() < 0.1 * before.square().mean()


def test_any_size_and_what_is_flat() -> None:
    """A single pixel is enlarged; an image without a difference stays flat."""
    for size in ((1, 1), (3, 1), (6, 7)):
        flat = torch.full((1, 3, *size), 0.3)
        for factor in (2, 3):
            large = SelfEx(factor=factor, turns=1).restore(flat)
            expected = torch.full((1, 3, *(factor * side for side in size)), 0.3)
            torch.testing.assert_close(large, expected, rtol=0, atol=1e-5)
