"""Defocus blur against SciPy and the disk it claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import correlate

from adversity import SampleRng
from adversity_plugins.degradation.blur._disk import disk_kernel
from adversity_plugins.degradation.blur.defocus_blur import DefocusBlur

if TYPE_CHECKING:
    from torch import Tensor

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("radius", [1, 3, 8, 10])
def test_a_hard_disk_is_the_pixels_within_the_radius(radius: int) -> None:
    """With next to no soft edge all weights are 1 by their number, counted one by one."""
    kernel = disk_kernel(radius, 0.05)
    reach = len(kernel) // 2
    inside = [
        (y, x)
        for y in range(-reach, reach + 1)
        for x in range(-reach, reach + 1)
        if x * x + y * y <= radius * radius
    ]
    assert reach == max(8, radius)
    assert np.count_nonzero(kernel > 1e-9) == len(inside)
    for y, x in inside:
        assert kernel[y + reach, x + reach] == pytest.approx(1 / len(inside), rel=1e-6)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_the_image_is_the_kernel_times_its_gain(
    severity: int, photos: Tensor, streams: Streams
) -> None:
    """`scipy.ndimage.correlate` of `side["kernel"]`, mirrored at the border, times `gain`.

    Tolerance: float32 sums of up to 441 products. At 4 and 5 the gain is 1.013 and 1.011.
    """
    answer = DefocusBlur(severity=severity).degrade(photos, streams("a", "b", "c"))
    kernel, gain = answer.side["kernel"][0, 0].double().numpy(), answer.side["gain"]
    for ours, photo, factor in zip(answer.images, photos, gain.tolist(), strict=True):
        for plane, given in zip(ours, photo.double().numpy(), strict=True):
            expected = correlate(given, kernel, mode="mirror") * factor
            np.testing.assert_allclose(plane, expected.clip(0, 1), atol=3e-6)
    assert float(gain[0]) == pytest.approx({4: 1.01298, 5: 1.01079}.get(severity, 1), abs=1e-5)
