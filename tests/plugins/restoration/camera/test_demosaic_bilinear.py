"""Bilinear demosaicing against OpenCV, closed forms, and as a linear map."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

import adversity
from adversity.errors import ParameterError, PluginError
from adversity_plugins.restoration.camera.demosaic_bilinear import DemosaicBilinear

Seen = Callable[..., tuple[Tensor, dict[str, Tensor]]]
BY_OPENCV = {
    "RGGB": cv2.COLOR_BayerBG2RGB,
    "BGGR": cv2.COLOR_BayerRG2RGB,
    "GRBG": cv2.COLOR_BayerGB2RGB,
    "GBRG": cv2.COLOR_BayerGR2RGB,
}
"""OpenCV names a pattern by the second row's second and third pixel."""
PATTERNS = pytest.mark.parametrize("pattern", BY_OPENCV)


@PATTERNS
@pytest.mark.parametrize("size", [(48, 64), (47, 33)])
def test_inside_the_border_it_is_opencvs(
    pattern: str, size: tuple[int, int], photos: Tensor, mosaic_of: Seen
) -> None:
    """On 16 bits; its border repeats the row beside. Tolerance: it rounds half up, once."""
    height, width = size
    images = (photos[..., :height, :width] * 65535).round() / 65535
    seen, side = mosaic_of(images, pattern)
    own = DemosaicBilinear().restore(seen.double(), **side)
    for raw, ours in zip(seen.sum(1), own, strict=True):
        whole = (raw.double() * 65535).round().numpy().astype(np.uint16)
        theirs = cv2.cvtColor(whole, BY_OPENCV[pattern]).astype(float) / 65535
        inner = ours.permute(1, 2, 0).numpy()[1:-1, 1:-1]
        np.testing.assert_allclose(inner, theirs[1:-1, 1:-1], rtol=0, atol=0.76 / 65535)


@PATTERNS
def test_what_the_sensor_saw_comes_back(pattern: str, photos: Tensor, mosaic_of: Seen) -> None:
    """To the bit, and what stands in channels that a pixel does not see is not looked at."""
    seen, side = mosaic_of(photos, pattern)
    whole = DemosaicBilinear().restore(seen, **side)
    again, _ = mosaic_of(whole, pattern)
    assert torch.equal(again, seen)
    assert torch.equal(DemosaicBilinear().restore(photos, **side), whole)
    assert float((whole - photos).square().mean()) < float((seen - photos).square().mean()) / 20


@PATTERNS
def test_a_plane_is_filled_exactly_inside(pattern: str, mosaic_of: Seen) -> None:
    """Opposite neighbours have the plane's value as their mean; a flat image is exact everywhere."""
    rows, columns = torch.arange(10.0).double()[:, None], torch.arange(12.0).double()
    planes = torch.stack([0.1 + k * rows / 50 + (2 - k) * columns / 60 for k in range(3)])[None]
    seen, side = mosaic_of(planes, pattern)
    whole = DemosaicBilinear().restore(seen, **side)
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(whole[inner], planes[inner], atol=1e-12, rtol=0)
    flat = torch.tensor([0.2, 1.0, 0.6], dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 7, 5)
    seen, side = mosaic_of(flat, pattern)
    torch.testing.assert_close(DemosaicBilinear().restore(seen, **side), flat, atol=1e-12, rtol=0)


@PATTERNS
def test_it_is_linear_and_autograd_gives_its_adjoint(pattern: str, mosaic_of: Seen) -> None:
    """The matrix of the map, column by column: its transpose is what goes back.

    In float64, within [0, 1] where nothing is cut off: 1e-12 for sums of nine products.
    """
    size = (1, 3, 6, 5)
    _, side = mosaic_of(torch.zeros(size), pattern)
    plugin, count = DemosaicBilinear(), 90
    units = torch.eye(count, dtype=torch.float64).view(count, 3, 6, 5)
    many = {"pattern": side["pattern"].expand(count, 2, 2)}
    matrix = plugin.restore(units, **many).view(count, count).T
    generator = torch.Generator().manual_seed(0)
    given = torch.rand(size, dtype=torch.float64, generator=generator)
    weights = torch.rand(size, dtype=torch.float64, generator=generator)
    given.requires_grad_()
    answer = plugin.restore(given, **side)
    torch.testing.assert_close(answer.flatten(), matrix @ given.flatten(), atol=1e-12, rtol=0)
    (back,) = torch.autograd.grad((answer * weights).sum(), given)
    torch.testing.assert_close(back.flatten(), matrix.T @ weights.flatten(), atol=1e-12, rtol=0)
    left, right = (answer * weights).sum(), (given * back).sum()
    torch.testing.assert_close(left, right, rtol=1e-12, atol=0)


def test_each_image_has_its_own_pattern(photos: Tensor, mosaic_of: Seen) -> None:
    """In one batch, as each by itself."""
    parts = [mosaic_of(photos[k : k + 1], p) for k, p in enumerate(("RGGB", "GBRG", "BGGR"))]
    together = DemosaicBilinear().restore(
        torch.cat([seen for seen, _ in parts]),
        pattern=torch.cat([side["pattern"] for _, side in parts]),
    )
    alone = torch.cat([DemosaicBilinear().restore(seen, **side) for seen, side in parts])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_a_colour_that_no_pixel_saw_stays_black() -> None:
    """One row of RGGB has red and green."""
    row = torch.tensor([[0.4, 0.0, 0.6, 0.0], [0.0, 0.2, 0.0, 0.8], [0.0, 0.0, 0.0, 0.0]])
    plugin = adversity.create("restoration", "demosaic_bilinear", pattern="rggb")
    assert plugin.ready.plugin.parameters == {"pattern": "RGGB"}
    whole = plugin(row.view(1, 3, 1, 4))
    expected = torch.tensor([[0.4, 0.5, 0.6, 0.6], [0.2, 0.2, 0.5, 0.8], [0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(whole, expected.view(1, 3, 1, 4), atol=1e-7, rtol=0)


def test_without_a_pattern_or_with_another_it_refuses(photos: Tensor) -> None:
    """By name, and with the patterns that there are."""
    with pytest.raises(PluginError, match="needs 'pattern'"):
        adversity.create("restoration", "demosaic_bilinear")(photos)
    with pytest.raises(ParameterError, match="expected RGGB, BGGR, GRBG, GBRG, got 'RGBG'"):
        adversity.create("restoration", "demosaic_bilinear", pattern="RGBG")
    other = torch.tensor([[0.0, 1.0], [2.0, 1.0]]).expand(3, 2, 2)
    with pytest.raises(ValueError, match=r"one of RGGB.*got the channels \[\[0.0, 1.0\]"):
        DemosaicBilinear().restore(photos, pattern=other)
