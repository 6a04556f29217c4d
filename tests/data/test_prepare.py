"""Resizing and cropping follow the ImageNet evaluation convention."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from adversity.data.prepare import Prepare
from adversity.errors import DataError, ParameterError

SIZES = [(300, 451), (451, 300), (257, 255), (224, 1000), (256, 256), (31, 40)]


def photo(height, width, channels=3):
    shape = (height, width, channels) if channels == 3 else (height, width)
    return np.random.default_rng(height * width).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("short", "crop"), [(256, 224), (31, 30), (64, 63)])
def test_equals_torchvision(size, short, crop):
    """Sizes, offsets and pixels are those of torchvision's Resize and CenterCrop on PIL images."""
    from torchvision.transforms import v2

    image = photo(*size)
    transform = v2.Compose([v2.Resize(short, v2.InterpolationMode.BICUBIC), v2.CenterCrop(crop)])
    wanted = np.asarray(transform(Image.fromarray(image)))
    got = Prepare(resize_short=short, centre_crop=crop).apply(image, id="a")
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", [{}, {"resize_short": 50}, {"centre_crop": 31}])
def test_size_tells_the_shape_without_pixels(size, channels, options):
    """`size` announces exactly the shape that `apply` gives."""
    prepare = Prepare.read(options)
    done = prepare.apply(photo(*size, channels), id="a")
    assert done.shape[:2] == prepare.size(*size, id="a")


def test_float_images_are_resized_like_uint8():
    """Float and uint8 versions of an image agree to 1.5 grey levels, and [0, 1] is kept.

    Of them 0.5 is the last rounding; 0.5 the one between Pillow's two passes, weighted by at
    most about 1.5, the sum of a cubic's absolute weights. Grey levels stay off 0 and 255,
    where 8 bits saturate between the passes.
    """
    image = photo(90, 70) // 2 + 64
    prepare = Prepare(resize_short=33)
    coarse = prepare.apply(image, id="a").astype(np.float32) / 255
    fine = prepare.apply(image.astype(np.float32) / np.float32(255), id="a")
    assert fine.dtype == np.float32
    assert np.abs(fine - coarse).max() < 1.5 / 255
    edges = prepare.apply((photo(90, 70) > 127).astype(np.float32), id="a")
    assert edges.min() == 0.0
    assert edges.max() == 1.0
    white = prepare.apply(np.ones((90, 70, 3), np.float32), id="a")
    assert white.min() == white.max() == 1.0


def test_crop_larger_than_the_image():
    """The message names the sample, both sizes and the cure."""
    with pytest.raises(
        DataError, match=r"'cat.png': centre_crop 224 .*200 x 300.*resize_short: 224"
    ):
        Prepare(centre_crop=224).size(200, 300, id="cat.png")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resize_shrot": 256}, "did you mean resize_short"),
        ({"centre_crop": 0}, "whole number of pixels.*got 0"),
        ({"centre_crop": True}, "got True"),
        ({"resize_short": 224.0}, "got 224.0"),
        ({"channels": 1}, "channels must be 3 .*got 1"),
        ({"channels": "3"}, "got '3'"),
    ],
)
def test_wrong_options(options, words):
    """An unknown step or a size that is none is refused with the value."""
    with pytest.raises(ParameterError, match=words):
        Prepare.read(options)


def test_grey_becomes_three_equal_channels():
    """Every channel is the grey image; a colour image is left alone."""
    prepare = Prepare.read({"centre_crop": 8, "channels": 3})
    grey = photo(12, 10)[:, :, 0]
    made = prepare.apply(grey, id="a")
    assert made.shape == (8, 8, 3)
    for channel in range(3):
        assert np.array_equal(made[:, :, channel], Prepare(centre_crop=8).apply(grey, id="a"))
    colour = photo(12, 10)
    assert np.array_equal(
        prepare.apply(colour, id="a"), Prepare(centre_crop=8).apply(colour, id="a")
    )
    assert (prepare.depth(1), prepare.depth(3), Prepare().depth(1)) == (3, 3, 1)
    assert prepare.options == {"centre_crop": 8, "channels": 3}


@pytest.mark.parametrize(("height", "width"), [(1, 60_000), (60_000, 1)])
def test_a_resize_that_makes_thousands_of_millions_is_refused(height, width):
    """A strip of 60 000 pixels would become 256 x 15 360 000: refused before it is made."""
    strip = np.zeros((height, width), np.uint8)
    with pytest.raises(DataError, match=r"sample 'a': resize_short 256 makes .*15360000"):
        Prepare(resize_short=256).apply(strip, id="a")
    with pytest.raises(DataError, match="more than 89478485 pixels"):
        Prepare(resize_short=256, centre_crop=224).size(height, width, id="a")
