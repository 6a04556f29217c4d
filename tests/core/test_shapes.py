"""The checks that stand between plugins and the tables."""

import pytest
import torch

from adversity.shapes import image_fault, rows_fault

IMAGES = torch.linspace(0, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


def with_value(value):
    """Return good images with one pixel replaced."""
    images = IMAGES.clone()
    images[1, 2, 3, 4] = value
    return images


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:, :1], IMAGES[:1], torch.zeros(1, 1, 1, 1)])
def test_good_images_have_no_fault(images):
    """Grey and RGB, one or many, both ends of the range included."""
    assert image_fault(images) is None
    assert image_fault(images, rows=len(images)) is None


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (IMAGES.numpy(), "expected a tensor [N, C, H, W], got ndarray"),
        (None, "got NoneType"),
        (IMAGES[0], "got [3, 4, 5]"),
        (IMAGES[:, :2], "C = 1 or 3, got [2, 2, 4, 5]"),
        (IMAGES[:0], "at least one image, got none: [0, 3, 4, 5]"),
        (IMAGES.double(), "expected float32, got torch.float64"),
        (IMAGES.mul(255).to(torch.uint8), "got torch.uint8"),
        (with_value(float("nan")), "finite values, got NaN"),
        (with_value(float("inf")), "finite values, got NaN or infinity"),
        (with_value(1.0000001192092896), "values in [0, 1], got 0 .. 1.00000012"),
        (with_value(-0.25), "got -0.25 .. "),
    ],
)
def test_bad_images_are_named_with_what_came(images, said):
    """The next float above 1 is as wrong as 255."""
    assert said in image_fault(images)


def test_a_lost_image_is_a_fault():
    """The number of rows is part of the promise."""
    assert image_fault(IMAGES, rows=3) == "expected 3 images, got 2"


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (torch.zeros(3), {}),
        (torch.zeros(3, 4), {"columns": 4}),
        (torch.zeros(3, 4), {"columns": 0}),
        (torch.tensor([0.0, float("nan"), float("inf")]), {"finite": False}),
        (torch.zeros(3, dtype=torch.float64), {}),
    ],
)
def test_good_rows_have_no_fault(values, options):
    """Scores, logits of known and unknown width, and infinities where they are allowed."""
    assert rows_fault(values, rows=3, **options) is None


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([0.0] * 3, {}, "expected a tensor, got list"),
        (torch.zeros(4), {}, "expected shape [3], got [4]"),
        (torch.zeros(3, 1), {}, "expected shape [3], got [3, 1]"),
        (torch.zeros(3), {"columns": 4}, "expected shape [3, 4], got [3]"),
        (torch.zeros(3, 5), {"columns": 4}, "expected shape [3, 4], got [3, 5]"),
        (torch.zeros(2, 5), {"columns": 0}, "expected shape [3, K], got [2, 5]"),
        (torch.zeros(3, dtype=torch.int64), {}, "floating-point values, got torch.int64"),
        (torch.tensor([0.0, 1.0, float("nan")]), {}, "finite values"),
    ],
)
def test_bad_rows_are_named_with_what_came(values, options, said):
    """Shape first, then type, then values."""
    assert said in rows_fault(values, rows=3, **options)


def test_no_columns_are_a_fault_where_any_number_is_welcome():
    """K is at least 1: a classifier without classes says nothing."""
    assert rows_fault(torch.zeros(3, 0), rows=3, columns=0) is not None
