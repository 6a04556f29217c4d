"""CLAHE: its limit, its interpolation and its limiting cases against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.exposure import equalize_hist
from torch import Tensor

from adversity_plugins.restoration.brighten._equalised import equalised, limited
from adversity_plugins.restoration.brighten.clahe import CLAHE


def test_one_tile_without_limit_is_histogram_equalisation() -> None:
    """Of many different values it is their rank; scikit-image's by its own 256 bins.

    Allowed: 0.02, but 0.07 in the darkest quarter. The first bin holds a sixteenth of all; ours
    counts its middle, and stretches the curve to begin at 0.
    """
    generator = torch.Generator().manual_seed(0)
    plane = torch.rand(1, 1, 80, 100, dtype=torch.float64, generator=generator) ** 2
    own = equalised(plane, tiles=1, limit=256, bins=256)[0, 0].numpy()
    theirs = equalize_hist(plane[0, 0].numpy(), nbins=256)
    assert np.abs(own - theirs).max() < 0.07
    upper = plane[0, 0].numpy() > 0.25
    assert np.abs(own - theirs)[upper].max() < 0.02


def test_a_limit_of_almost_1_changes_nothing(photos: Tensor) -> None:
    """Every histogram becomes even, every curve the diagonal."""
    same = CLAHE(limit=1.0001).restore(photos)
    torch.testing.assert_close(same, photos, atol=2e-4, rtol=0)


@pytest.mark.parametrize("most", [0.06, 0.1, 0.3, 1.0])
def test_no_bin_exceeds_the_limit_and_the_sum_stays(most: float) -> None:
    """20 bins, one of which holds nearly all; the order of the bins stays. Tolerance: float64."""
    generator = torch.Generator().manual_seed(0)
    histogram = torch.rand(2, 3, 20, dtype=torch.float64, generator=generator)
    histogram[0, 0, 4] = 50
    histogram = histogram / histogram.sum(2, keepdim=True)
    cut = limited(histogram, most)
    torch.testing.assert_close(cut.sum(2), torch.ones(2, 3, dtype=torch.float64))
    assert cut.max() <= most + 1e-9
    assert (cut.gather(2, histogram.argsort(2)).diff(dim=2) >= -1e-12).all()
    untouched = histogram.amax(2) <= most
    torch.testing.assert_close(cut[untouched], histogram[untouched])


def test_tiles_and_interpolation_are_those_of_loops() -> None:
    """A second implementation, pixel by pixel in NumPy: histograms, curves, four nearest tiles."""
    generator = torch.Generator().manual_seed(0)
    plane = torch.rand(1, 1, 12, 15, dtype=torch.float64, generator=generator)
    own = equalised(plane, tiles=3, limit=8, bins=8)[0, 0].numpy()
    values = plane[0, 0].numpy()
    curves = [
        [_curve(values[4 * a : 4 * a + 4, 5 * b : 5 * b + 5]) for b in range(3)] for a in range(3)
    ]
    for row in range(12):
        for column in range(15):
            y = min(max((row + 0.5) / 4 - 0.5, 0), 2)
            x = min(max((column + 0.5) / 5 - 0.5, 0), 2)
            expected = sum(
                max(0, 1 - abs(y - a)) * max(0, 1 - abs(x - b))
                * np.interp(values[row, column], np.arange(8) / 7, curves[a][b])
                for a in range(3)
                for b in range(3)
            )  # fmt: skip
            assert own[row, column] == pytest.approx(expected, abs=1e-12)


def _curve(values: np.ndarray) -> np.ndarray:
    """Return the stretched running sum of a tile's histogram of 8 bins, each value in two."""
    histogram = np.zeros(8)
    for value in values.flat:
        lower = min(int(value * 7), 6)
        histogram[lower] += 1 - (value * 7 - lower)
        histogram[lower + 1] += value * 7 - lower
    upto = np.cumsum(histogram) - histogram / 2
    return (upto - upto[0]) / (upto[-1] - upto[0])


def test_contrast_rises_and_hue_stays(photos: Tensor) -> None:
    """A flat copy of the photos gains contrast; channels of a pixel are scaled alike."""
    flat = 0.4 + 0.15 * photos
    clear = CLAHE().restore(flat)
    assert (clear.std((2, 3)) > 1.3 * flat.std((2, 3))).all()
    torch.testing.assert_close(
        clear * flat.sum(1, True), flat * clear.sum(1, True), atol=1e-5, rtol=0
    )


def test_slopes_stay_below_the_limit() -> None:
    """A ramp within one bin's worth of contrast is amplified by the limit at most.

    Allowed: a tenth, since the curve is stretched to begin at 0 and end at 1.
    """
    ramp = torch.linspace(0.5, 0.52, 64, dtype=torch.float64).expand(1, 1, 64, 64)
    out = equalised(ramp, tiles=1, limit=3, bins=256)
    assert out.diff(dim=3).max() <= 3 * 1.1 * ramp.diff(dim=3).max()
    assert out.diff(dim=3).max() >= 2.5 * ramp.diff(dim=3).max()
