"""Inpainting against scikit-image, SciPy, closed forms and its own optimality."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from scipy.optimize import minimize
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from adversity import Restoration, SampleRng
from adversity_plugins.degradation.digital.missing_regions import MissingRegions
from adversity_plugins.restoration._differences import differences
from adversity_plugins.restoration.inpaint import _total_variation as tv
from adversity_plugins.restoration.inpaint._biharmonic import filled
from adversity_plugins.restoration.inpaint._marching import march
from adversity_plugins.restoration.inpaint.inpaint_biharmonic import InpaintBiharmonic
from adversity_plugins.restoration.inpaint.inpaint_dictionary import InpaintDictionary
from adversity_plugins.restoration.inpaint.inpaint_telea import InpaintTelea
from adversity_plugins.restoration.inpaint.inpaint_tv import InpaintTV

METHODS = pytest.mark.parametrize(
    "method", [InpaintBiharmonic, InpaintDictionary, InpaintTelea, InpaintTV]
)
FEW: dict[type[Restoration], dict[str, Any]] = {InpaintDictionary: {"rounds": 3}}
"""Parameters of those that would take half a minute."""
SHAPES = pytest.mark.parametrize("shapes", ["rectangles", "strokes", "text"])


def _holes(images: Tensor, shapes: str, severity: int = 2) -> tuple[Tensor, Tensor]:
    plugin = MissingRegions.model_validate({"severity": severity, "shapes": shapes})
    answer = plugin.degrade(images, SampleRng(seed=0, step="test", ids="abc"[: len(images)]))
    return answer.images, answer.side["mask"]


@SHAPES
def test_biharmonic_is_that_of_scikit_image(shapes: str, photos: Tensor) -> None:
    """The same values, cut off as there. Tolerance: two sparse solvers in float64."""
    holed, mask = _holes(photos, shapes)
    own = filled(holed.double(), mask == 1).numpy()
    for image, hole, ours in zip(holed.double().numpy(), mask[:, 0].numpy() == 0, own, strict=True):
        theirs = inpaint_biharmonic(image, hole, channel_axis=0)
        known = image[:, ~hole]
        least, most = known.min(1)[:, None, None], known.max(1)[:, None, None]
        np.testing.assert_allclose(np.clip(ours, least, most), theirs, atol=1e-8)


@SHAPES
@METHODS
def test_known_pixels_stay_and_holes_come_closer(
    method: type[Restoration], shapes: str, photos: Tensor
) -> None:
    """Every known value comes back exactly, and in the holes the error falls by half at least."""
    holed, mask = _holes(photos, shapes, severity=1)
    whole: Any = torch.cat(
        [
            method(**FEW.get(method, {})).restore(holed[k : k + 1], mask=mask[k : k + 1])
            for k in range(3)
        ]
    )
    known = (mask == 1).expand_as(photos)
    torch.testing.assert_close(whole[known], photos[known], atol=1e-7, rtol=0)
    before, after = ((one - photos).square().mean((1, 2, 3)) for one in (holed, whole))
    assert (after < before / 4).all()


@METHODS
def test_a_plane_without_slope_is_filled_exactly(method: type[Restoration]) -> None:
    """A constant comes back, whatever the hole. Tolerance: float32; the gap of TV's iterations."""
    images = torch.full((1, 2, 12, 15), 0.3)
    holed, mask = _holes(images, "rectangles", severity=5)
    torch.testing.assert_close(method().restore(holed, mask=mask), images, atol=1e-4, rtol=0)


def test_biharmonic_goes_on_with_a_slope() -> None:
    """A plane has no Laplacian inside: away from the image's border it is filled exactly."""
    rows, columns = torch.arange(20.0).double(), torch.arange(24.0).double()
    plane = (0.1 + 0.02 * rows[:, None] + 0.01 * columns)[None, None]
    mask = torch.ones(1, 1, 20, 24)
    mask[:, :, 6:13, 8:16] = 0
    whole = InpaintBiharmonic().restore(plane * mask, mask=mask)
    torch.testing.assert_close(whole, plane, atol=1e-9, rtol=0)


def test_total_variation_joins_a_straight_edge() -> None:
    """A narrow gap in an edge is closed straight: the edge's length is the least possible."""
    step = torch.zeros(1, 1, 16, 16)
    step[..., 8:] = 0.9
    mask = torch.ones(1, 1, 16, 16)
    mask[:, :, 7:9, 4:12] = 0
    whole = InpaintTV(gap=1e-5, iterations=20_000).restore(step * mask, mask=mask)
    torch.testing.assert_close(whole, step, atol=0.01, rtol=0)


def test_the_duality_gap_bounds_what_is_left_to_gain() -> None:
    """On a small image the least value by another method lies between primal minus gap, and primal.

    SciPy minimises the same sum with each length smoothed, sqrt(d^2 + 1e-8), in float64:
    that adds at most 1e-4 for each of 48 pixels.
    """
    generator = torch.Generator().manual_seed(0)
    given = torch.rand(1, 1, 6, 8, dtype=torch.float64, generator=generator)
    known = torch.rand(1, 1, 6, 8, generator=generator) > 0.4
    start = torch.full_like(given, 0.5)
    whole, field = tv.filled(given, known, start, iterations=50_000, gap=1e-7)
    gap = float(tv.duality_gap(whole, field, given, known))
    value = float(tv.total_variation(whole))
    assert 0 <= gap < 1e-5

    def smoothed(values: np.ndarray) -> tuple[float, np.ndarray]:
        free = torch.tensor(values, requires_grad=True)
        image = given.masked_scatter(~known, free)
        lengths = (differences(image).square().sum(-3) + 1e-8).sqrt().sum()
        (slope,) = torch.autograd.grad(lengths, free)
        return float(lengths.detach()), slope.numpy()

    missing = int((~known).sum())
    found = minimize(smoothed, np.full(missing, 0.5), jac=True, bounds=[(0, 1)] * missing,
                     options={"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-14, "gtol": 1e-9})  # fmt: skip
    assert found.fun == pytest.approx(value, abs=48e-4)
    assert value - gap <= found.fun


def test_the_front_arrives_at_the_distance_from_the_rim() -> None:
    """From one straight rim the time is the distance; from a disc nearly so.

    The first-order scheme is exact along an axis; on a disc it is late, by less than a tenth of
    the radius and half a pixel.
    """
    hole = np.zeros((12, 9), bool)
    hole[1:11, 1:8] = True
    time = np.full(hole.shape, np.inf)
    time[0] = 0
    order = list(march(time, hole))
    assert len(order) == 70
    np.testing.assert_allclose(time[1:11, 1:8], np.arange(1, 11)[:, None] * np.ones(7))
    y, x = np.mgrid[-20:21, -20:21]
    hole = y**2 + x**2 < 15**2
    time = np.where(hole, np.inf, 1 - distance_transform_edt(~hole))
    order = list(march(time, hole))
    exact = distance_transform_edt(hole)
    assert np.abs(time[hole] - exact[hole]).max() < 0.1 * 15 + 0.5
    times = [time[pixel] for pixel in order]
    assert all(a <= b for a, b in itertools.pairwise(times))


def test_telea_fills_in_the_range_of_what_is_known(photos: Tensor) -> None:
    """Means lie between what they are means of: nothing new is darkest or lightest."""
    holed, mask = _holes(photos, "rectangles", severity=4)
    whole = InpaintTelea().restore(holed, mask=mask)
    assert isinstance(whole, Tensor)
    known = (mask == 1).expand_as(photos)
    for image, values in ((whole[k], photos[k][known[k]]) for k in range(3)):
        assert image.min() >= values.min() - 1e-6
        assert image.max() <= values.max() + 1e-6


def test_telea_takes_the_near_side_of_an_edge_on_its_level() -> None:
    """With one known neighbour in reach a pixel is that neighbour."""
    images = torch.tensor([0.2, 0.0, 0.0, 0.7]).view(1, 1, 1, 4)
    mask = torch.tensor([1.0, 0, 0, 1]).view(1, 1, 1, 4)
    whole = InpaintTelea(radius=1).restore(images, mask=mask)
    assert isinstance(whole, Tensor)
    assert whole.flatten().tolist()[1] == pytest.approx(0.2)


@METHODS
def test_a_mask_that_says_nothing_is_refused(method: type[Restoration], photos: Tensor) -> None:
    """Values between 0 and 1, and an image with no known pixel, say what to do."""
    with pytest.raises(ValueError, match=r"got 0\.5; decide for each pixel which it is"):
        method().restore(photos, mask=torch.full((3, 1, 48, 64), 0.5))
    with pytest.raises(ValueError, match="nothing to fill it from"):
        method().restore(photos, mask=torch.zeros(3, 1, 48, 64))
