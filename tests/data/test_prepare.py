"""Resizing and cropping follow the ImageNet evaluation convention."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    assert [prepare.depth(count, id="a") for count in (1, 3)] == [3, 3]
    assert Prepare().depth(1, id="a") == 1
    assert prepare.options == {"centre_crop": 8, "channels": 3}


@pytest.mark.parametrize(("height", "width"), [(1, 60_000), (60_000, 1)])
def test_a_resize_that_makes_thousands_of_millions_is_refused(height, width):
    """A strip of 60 000 pixels would become 256 x 15 360 000: refused before it is made."""
    strip = np.zeros((height, width), np.uint8)
    with pytest.raises(DataError, match=r"sample 'a': resize_short 256 makes .*15360000"):
        Prepare(resize_short=256).apply(strip, id="a")
    with pytest.raises(DataError, match="more than 89478485 pixels"):
        Prepare(resize_short=256, centre_crop=224).size(height, width, id="a")


@pytest.mark.parametrize("size", [(30, 41), (36, 48), (13, 12)])
def test_a_crop_to_a_multiple_keeps_the_top_left(size):
    """As NumPy cuts it; what is a multiple already stays as it is."""
    image = photo(*size)
    done = Prepare.read({"multiple_of": 12}).apply(image, id="a")
    height, width = size
    np.testing.assert_array_equal(done, image[: height // 12 * 12, : width // 12 * 12])


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    times=st.integers(1, 4),
    crop=st.none() | st.integers(1, 12),
    multiple=st.none() | st.integers(1, 12),
)
def test_what_stays_of_a_reference_is_the_same_part(height, width, times, crop, multiple):
    """A reference that repeats each pixel is, prepared, the prepared image with each repeated."""
    options = {"centre_crop": crop, "multiple_of": multiple}
    prepare = Prepare.read({name: value for name, value in options.items() if value})
    image = np.arange(height * width, dtype=np.float32).reshape(height, width) / 1600
    reference = np.kron(image, np.ones((times, times), np.float32))
    try:
        done = prepare.apply(image, id="a")
    except DataError:
        with pytest.raises(DataError):
            prepare.apply(reference, id="a", of=image.shape)
        return
    clean = prepare.apply(reference, id="a", of=image.shape)
    np.testing.assert_array_equal(clean, np.kron(done, np.ones((times, times), np.float32)))
    assert prepare.size(*reference.shape, id="a", of=image.shape) == clean.shape
    assert not multiple or not any(side % multiple for side in done.shape)


def test_a_reference_is_resized_to_so_many_times_the_image():
    """31 x 41 and twice that: the shorter side becomes 16 and 32, the longer in proportion."""
    prepare = Prepare.read({"resize_short": 16, "centre_crop": 16})
    assert prepare.apply(photo(62, 82), id="a", of=(31, 41)).shape == (32, 32, 3)
    wide = Prepare.read({"resize_short": 16})
    assert wide.size(31, 41, id="a") == (16, 21)
    assert wide.size(62, 82, id="a", of=(31, 41)) == (32, 42)


@pytest.mark.parametrize("size", [(62, 83), (63, 82), (46, 61), (62, 41), (15, 20)])
def test_a_reference_that_cannot_be_cut_alike_is_refused(size):
    """No whole number of times the image: named with both sizes, and free where nothing is cut."""
    words = r"sample 'a': its clean reference has .* the image 31 x 41 .*2, 3, \.\.\. times"
    for options in ({"centre_crop": 8}, {"multiple_of": 4}, {"resize_short": 16}):
        with pytest.raises(DataError, match=words):
            Prepare.read(options).size(*size, id="a", of=(31, 41))
    assert Prepare.read({"channels": 3}).size(*size, id="a", of=(31, 41)) == size


def test_an_image_of_which_nothing_is_left_is_refused():
    """11 rows are no multiple of 12."""
    with pytest.raises(DataError, match="nothing is left of an image of 11 x 40"):
        Prepare.read({"multiple_of": 12}).size(11, 40, id="a")
