"""Motion blur against the line it claims."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from adversity import SampleRng
from adversity_plugins.degradation._motion import fading_line
from adversity_plugins.degradation.blur.motion_blur import MotionBlur

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize(("angle", "down", "right"), [(0, 0, -1), (90, -1, 0), (-90, 1, 0)])
def test_along_an_axis_the_line_is_half_a_gaussian(angle: float, down: int, right: int) -> None:
    """21 copies, each a pixel on; neighbours' weights are in the ratio of the Gaussian's."""
    line = fading_line(10, 3.0, angle)
    assert [(y, x) for y, x, _ in line] == [(k * down, k * right) for k in range(21)]
    weights = [weight for *_, weight in line]
    assert math.fsum(weights) == pytest.approx(1, abs=1e-12)
    for k, weight in enumerate(weights):
        assert weight / weights[0] == pytest.approx(math.exp(-(k**2) / 18), rel=1e-12)


@pytest.mark.parametrize("angle", [-45.0, -17.3, 31.0, 45.0])
def test_copies_lie_within_half_a_pixel_of_the_line(angle: float) -> None:
    """Rows and columns are those of the angle, rounded."""
    for k, (down, right, _) in enumerate(fading_line(15, 5.0, angle)):
        assert abs(down + k * math.sin(math.radians(angle))) <= 0.5 + 1e-9
        assert abs(right + k * math.cos(math.radians(angle))) <= 0.5 + 1e-9


def test_the_kernel_told_to_restorations_made_the_image(photos: Tensor, streams: Streams) -> None:
    """Correlating with `side["kernel"]` and replicated borders; tolerance: float32 sums."""
    answer = MotionBlur(radius_px=6, sigma_px=3).degrade(photos, streams("a", "b", "c"))
    kernel = answer.side["kernel"]
    assert kernel.shape == (3, 1, 25, 25)
    torch.testing.assert_close(kernel.sum((1, 2, 3)), torch.ones(3))
    for ours, photo, own in zip(answer.images, photos, kernel, strict=True):
        padded = functional.pad(photo[None], (12, 12, 12, 12), mode="replicate")
        expected = functional.conv2d(padded, own.expand(3, 1, -1, -1), groups=3)[0]
        torch.testing.assert_close(ours, expected, atol=2e-6, rtol=0)
    assert not torch.equal(kernel[0], kernel[1])


def test_angles_are_uniform_between_minus_and_plus_45_degrees(streams: Streams) -> None:
    """The far end of the kernel's line tells the angle, within half a pixel of 40.

    400 draws; the mean of a uniform over 90 degrees has a standard error of 1.3 degrees, and
    its standard deviation is 26.
    """
    images = torch.zeros(400, 1, 1, 1)
    plugin = MotionBlur(radius_px=20, sigma_px=1000)
    kernel = plugin.degrade(images, streams(*map(str, range(400)))).side["kernel"][:, 0]
    reach = kernel.shape[1] // 2
    angles = []
    for one in kernel:
        rows, columns = torch.nonzero(one, as_tuple=True)
        y, x = rows - reach, columns - reach
        far = int((y**2 + x**2).argmax())
        angles.append(math.degrees(math.atan2(int(y[far]), int(x[far]))))
    found = torch.tensor(angles)
    assert abs(float(found.mean())) < 4 * 1.3
    assert float(found.std()) == pytest.approx(90 / 12**0.5, rel=0.1)
    assert -46 < float(found.min()) < -40 < 40 < float(found.max()) < 46
