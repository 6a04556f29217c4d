"""Blur against plain sums, closed forms of its kernels, and its adjoint."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from scipy import ndimage
from torch import Tensor

import adversity
from adversity import SampleRng
from adversity.errors import DataError
from adversity_plugins.degradation._correlated import Padding
from adversity_plugins.degradation.blur import _point_spread
from adversity_plugins.degradation.blur.blur import Blur
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from pathlib import Path

Streams = Callable[..., SampleRng]
PADDINGS = get_args(Padding)
SCIPY = {"circular": "wrap", "replicate": "nearest", "reflect": "mirror"}
KINDS = ("gaussian", "disk", "linear_motion", "random_motion")


@pytest.mark.parametrize("kernel", KINDS)
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_image_is_correlated_with_the_kernel_that_is_told(
    kernel: Any, padding: Any, photos: Tensor, streams: Streams
) -> None:
    """As SciPy correlates, image by image. Tolerance: float32 transforms of values up to 1."""
    answer = Blur(size_px=9, kernel=kernel, padding=padding).degrade(photos, streams(*"abc"))
    told = answer.side["kernel"]
    assert told.shape[-1] % 2 == 1
    assert (told >= 0).all()
    torch.testing.assert_close(told.sum((1, 2, 3)), torch.ones(3), atol=1e-6, rtol=0)
    assert answer.side["circular"].tolist() == [float(padding == "circular")] * 3
    assert (answer.images - photos).abs().max() > 0.1
    for ours, photo, own in zip(answer.images, photos, told, strict=True):
        for plane, clean in zip(ours, photo, strict=True):
            expected = ndimage.correlate(
                clean.double().numpy(), own[0].double().numpy(), mode=SCIPY[padding]
            )
            np.testing.assert_allclose(plane.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kernel", KINDS)
def test_the_backward_pass_is_the_adjoint(kernel: Any, padding: Any, streams: Streams) -> None:
    """<H x, y> = <x, H^T y>, with H^T y from the backward pass, to 1e-5 of the product.

    It is linear inside (0, 1), so that H^T hangs on no x.
    """
    draw = torch.Generator().manual_seed(0)
    x, other, y = torch.rand(3, 1, 2, 21, 17, generator=draw, dtype=torch.float64)
    plugin = Blur(size_px=7, kernel=kernel, padding=padding)
    other.requires_grad_()
    (back,) = torch.autograd.grad(plugin.degrade(other, streams("a")).images, other, y)
    forth = plugin.degrade(x, streams("a")).images
    assert float((forth * y).sum()) == pytest.approx(float((x * back).sum()), rel=1e-5)


def test_light_is_blurred_in_linear_light(photos: Tensor, streams: Streams) -> None:
    """Decoded, blurred, encoded; of a black and white edge more is left bright."""
    linear = Blur(size_px=5, light="linear").degrade(photos, streams(*"abc")).images
    light = Blur(size_px=5).degrade(srgb_to_linear(photos), streams(*"abc")).images
    torch.testing.assert_close(linear, linear_to_srgb(light), atol=1e-6, rtol=0)
    assert (linear - Blur(size_px=5).degrade(photos, streams(*"abc")).images).abs().max() > 0.01


def test_a_gaussian_is_as_wide_at_half_its_maximum_as_it_says() -> None:
    """Between pixels 4 and 5 of a width of 9, the middle row passes one half of its maximum."""
    row = _point_spread.gaussian(9.0)
    middle = row[len(row) // 2, len(row) // 2 :] / row.max()
    assert middle[4] > 0.5 > middle[5]
    assert math.log(middle[4]) / math.log(0.5) == pytest.approx((4 / 4.5) ** 2, rel=1e-9)


@pytest.mark.parametrize("size", [0.01, 1.0, 4.3, 9.0])
def test_a_disk_is_flat_and_has_its_area(size: float) -> None:
    """Pixels inside weigh 1 / area. Allowed: 2 %, for an edge cut into sixteenths of a pixel."""
    kernel = _point_spread.disk(size)
    assert kernel.sum() == pytest.approx(1)
    assert np.array_equal(kernel, kernel.T)
    assert np.array_equal(kernel, kernel[::-1, ::-1])
    area = max(1.0, math.pi * size**2 / 4)
    assert kernel.max() == pytest.approx(1 / area, rel=0.02 if size > 1 else 0.3)
    assert kernel.shape[0] <= size + 2


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_a_straight_motion_has_its_length_and_angle(angle: float) -> None:
    """A uniform line of length 12 has a variance of 12 along it, and next to none across.

    Sharing a point among four pixels adds at most 1/4 along each axis.
    """
    kernel = _point_spread.line(12.0, angle)
    reach = len(kernel) // 2
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    turn = math.radians(angle)
    along = math.cos(turn) * columns - math.sin(turn) * rows
    across = math.sin(turn) * columns + math.cos(turn) * rows
    assert (kernel * along).sum() == pytest.approx(0, abs=1e-9)
    assert (kernel * along**2).sum() == pytest.approx(12, abs=0.26)
    assert (kernel * across**2).sum() < 0.26


def test_a_random_path_is_of_its_size_and_of_its_image(streams: Streams) -> None:
    """Its larger side is that of the path, its mean the centre, and no two are alike."""
    kernels = [_point_spread.trajectory(15.0, streams(name)) for name in map(str, range(40))]
    for kernel in kernels:
        reach = len(kernel) // 2
        rows, columns = np.nonzero(kernel)
        assert 15 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 18
        at = np.arange(-reach, reach + 1)
        assert (kernel.sum(0) * at).sum() == pytest.approx(0, abs=1e-6)
        assert (kernel.sum(1) * at).sum() == pytest.approx(0, abs=1e-6)
    assert len({kernel.tobytes() for kernel in kernels}) == 40
    again = _point_spread.trajectory(15.0, streams("7"))
    assert np.array_equal(again, kernels[7])
    spread = [np.count_nonzero(kernel) for kernel in kernels]
    assert max(spread) > 1.8 * min(spread)  # some are nearly straight, some wander


def test_a_file_shows_a_point_of_light(tmp_path: Path, monkeypatch: Any) -> None:
    """One bright pixel becomes what the file shows, divided by its sum; the kernel is its turn."""
    monkeypatch.chdir(tmp_path)
    shown = np.array([[0, 60, 0], [0, 120, 40], [20, 0, 0]], np.uint8)
    Image.fromarray(shown).save("point.png")
    np.save("point.npy", shown.astype(np.float64))
    point = torch.zeros(1, 1, 9, 11)
    point[0, 0, 4, 5] = 1
    for name in ("point.png", "point.npy"):
        call = adversity.create("degradation", "blur", kernel="file", file=name)
        blurred = call(point)
        expected = torch.zeros(9, 11)
        expected[3:6, 4:7] = torch.from_numpy(shown / 240.0)
        torch.testing.assert_close(blurred[0, 0], expected, atol=1e-7, rtol=0)
        told = call.side["kernel"][0, 0]
        torch.testing.assert_close(told.flip(0, 1), torch.from_numpy(shown / 240.0).float())


BAD = {
    "negative": (np.array([[1.0, -0.1]]), "not negative"),
    "not finite": (np.array([[1.0, np.nan]]), "finite"),
    "nothing": (np.zeros((3, 3)), "not all 0"),
    "three axes": (np.ones((3, 3, 3)), "two axes"),
    "no numbers": (np.array([["a"]]), "array of numbers"),
    "pickle": (np.array([[None]]), "allow_pickle"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_kernel_is_refused(case: str, tmp_path: Path, monkeypatch: Any) -> None:
    """In one sentence that names the file."""
    monkeypatch.chdir(tmp_path)
    values, says = BAD[case]
    np.save("bad.npy", values)
    with pytest.raises(DataError, match=says) as error:
        adversity.create("degradation", "blur", kernel="file", file="bad.npy")(
            torch.zeros(1, 1, 4, 4)
        )
    assert "bad.npy" in str(error.value)


def test_an_image_of_palette_numbers_is_no_kernel(tmp_path: Path) -> None:
    """Its values are numbers of colours, not weights."""
    Image.fromarray(np.eye(3, dtype=np.uint8)).convert("P").save(tmp_path / "p.png")
    with pytest.raises(DataError, match="grey values"):
        _point_spread.kernel_in(tmp_path / "p.png", "p.png")


def test_an_even_side_is_centred_on_the_pixel_behind_its_middle(tmp_path: Path) -> None:
    """Of 2 x 4 the pixel (1, 2) is in the centre of 5 x 5."""
    values = np.arange(8.0).reshape(2, 4)
    np.save(tmp_path / "even.npy", values)
    kernel = _point_spread.kernel_in(tmp_path / "even.npy", "even.npy")
    assert kernel.shape == (5, 5)
    assert kernel[2, 2] == pytest.approx(values[1, 2] / 28)
    assert kernel.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kernel": "file"}, "go together"),
        ({"severity": 1, "file": "a.npy"}, "go together"),
        ({"severity": 1, "kernel": "file", "file": "a.npy"}, "its own size"),
        ({"severity": 1, "angle": 30}, "linear_motion"),
        ({}, "give severity"),
    ],
)
def test_what_would_not_be_used_is_refused(given: dict[str, Any], says: str) -> None:
    """An angle without a line, a size beside a file."""
    with pytest.raises(ValidationError, match=says):
        Blur.model_validate(given)
