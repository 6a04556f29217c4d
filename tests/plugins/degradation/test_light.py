"""Colour cast, exposure and fading against numbers that can be worked out or looked up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.color import rgb2xyz
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.light.colour_cast import ColourCast, chromaticity, gains_of
from adversity_plugins.degradation.light.exposure import Exposure
from adversity_plugins.degradation.light.faded import Faded
from adversity_plugins.optics.srgb import srgb_to_linear

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize(
    ("kelvin", "x", "y"),
    [
        (6504, 0.3127, 0.3290),
        (5003, 0.3457, 0.3585),
        (5503, 0.3324, 0.3474),
        (7504, 0.2990, 0.3149),
        (2856, 0.4476, 0.4074),
    ],
    ids=["D65", "D50", "D55", "D75", "A"],
)
def test_chromaticities_are_those_of_the_standard_illuminants(
    kelvin: float, x: float, y: float
) -> None:
    """CIE 15's table, whose last digit is a ten-thousandth; the fits are good to 0.0006."""
    assert chromaticity(kelvin) == pytest.approx((x, y), abs=6e-4)


def test_the_fits_meet_where_they_change() -> None:
    """At 2222 and 7000 K the pieces agree; at 4000 K daylight is a little greener than the body."""
    for kelvin, most in ((2222, 1e-3), (7000, 1e-3), (4000, 0.008)):
        below, above = chromaticity(kelvin - 1e-6), chromaticity(kelvin + 1e-6)
        assert below == pytest.approx(above, abs=most)


def test_a_grey_card_gets_the_colour_of_the_light(streams: Streams) -> None:
    """By scikit-image's XYZ its chromaticity is the light's, and its luminance stays.

    Allowed: 0.0005, for scikit-image's matrix of fewer digits and float32.
    """
    card = torch.full((1, 3, 4, 4), 0.3)
    seen = ColourCast(kelvin=3200).degrade(card, streams("a"))
    xyz, before = (rgb2xyz(one[0, :, 0, 0].double().numpy()) for one in (seen, card))
    x, y = chromaticity(3200)
    assert xyz[0] / xyz.sum() == pytest.approx(x, abs=5e-4)
    assert xyz[1] / xyz.sum() == pytest.approx(y, abs=5e-4)
    assert xyz[1] == pytest.approx(before[1], rel=1e-3)


def test_daylight_leaves_the_image(photos: Tensor, streams: Streams) -> None:
    """6504 K is sRGB's white. Tolerance: encoding there and back."""
    same = ColourCast(kelvin=6504).degrade(photos, streams(*"abc"))
    torch.testing.assert_close(same, photos, atol=1e-6, rtol=0)


def test_low_temperatures_are_warm_and_high_ones_cold() -> None:
    """Red over blue falls with the temperature."""
    ratios = [red / blue for red, _, blue in map(gains_of, (2200, 3200, 5000, 6504, 9000, 20_000))]
    assert (np.diff(ratios) < 0).all()
    assert ratios[3] == pytest.approx(1)


def test_a_cast_below_white_is_undone_by_its_gains(photos: Tensor, streams: Streams) -> None:
    """Dividing linear light by the gains gives the image back where nothing was cut off."""
    dark = photos * 0.5
    light = srgb_to_linear(ColourCast(kelvin=3200).degrade(dark, streams(*"abc")))
    gains = torch.tensor(gains_of(3200)).view(1, 3, 1, 1)
    torch.testing.assert_close(light / gains, srgb_to_linear(dark), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("under", [False, True])
@pytest.mark.parametrize("stops", [0.0, 1.0, 2.5])
def test_a_stop_doubles_or_halves_the_light(
    stops: float, under: bool, photos: Tensor, streams: Streams
) -> None:
    """Linear light times 2 ** stops, white where that exceeds white; the gain is told."""
    answer = Exposure(stops=stops, under=under).degrade(photos, streams(*"abc"))
    gain = 2 ** (-stops if under else stops)
    expected = (srgb_to_linear(photos) * gain).clamp(max=1)
    torch.testing.assert_close(srgb_to_linear(answer.images), expected, atol=1e-6, rtol=1e-5)
    assert answer.side["gain"].tolist() == pytest.approx([gain] * 3)


def test_under_exposure_is_undone_by_over_exposure(photos: Tensor, streams: Streams) -> None:
    """Nothing is cut off on the way down. Tolerance: float32 of values an eighth as large."""
    dark = Exposure(severity=5, under=True).degrade(photos, streams(*"abc")).images
    back = Exposure(severity=5).degrade(dark, streams(*"abc")).images
    torch.testing.assert_close(back, photos, atol=1e-5, rtol=0)


def test_black_and_white_fade_to_black_level_and_paper(streams: Streams) -> None:
    """Black becomes the black level in all channels, white the paper's colour."""
    ends = torch.stack([torch.zeros(3, 2, 2), torch.ones(3, 2, 2)])
    faded = Faded(black=0.3, colour_loss=0.5, yellowing=1).degrade(ends, streams(*"ab"))
    assert faded[0].unique().tolist() == pytest.approx([0.3])
    assert faded[1, :, 0, 0].tolist() == pytest.approx([0.96, 0.92, 0.82])


def test_without_colour_a_print_on_white_paper_is_grey(photos: Tensor, streams: Streams) -> None:
    """colour_loss 1: three equal channels, the luma."""
    grey = Faded(black=0, colour_loss=1, yellowing=0).degrade(photos, streams(*"abc"))
    torch.testing.assert_close(grey, grey[:, :1].expand_as(grey), atol=1e-6, rtol=0)
    luma = (photos * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1)
    torch.testing.assert_close(grey[:, 0], luma, atol=1e-6, rtol=0)


def test_fading_is_affine_with_its_exact_inverse(photos: Tensor, streams: Streams) -> None:
    """Black and white and the loss of colour known, the print comes back. Tolerance: float32."""
    plugin = Faded(severity=3)
    faded = plugin.degrade(photos, streams(*"abc")).double()
    paper = 1 - plugin.level("yellowing") * (1 - torch.tensor([0.96, 0.92, 0.82])).double()
    black, keep = plugin.level("black"), 1 - plugin.level("colour_loss")
    bleached = (faded - black) / (paper.view(1, 3, 1, 1) - black)
    luma = (bleached * torch.tensor([0.299, 0.587, 0.114]).double().view(1, 3, 1, 1)).sum(1, True)
    torch.testing.assert_close(luma + (bleached - luma) / keep, photos.double(), atol=2e-6, rtol=0)
