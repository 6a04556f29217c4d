"""What is no convention of PSNR or SSIM is refused, and what is one is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adversity import metrics
from adversity.errors import DataError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda a: metrics.psnr(a, a, channels="lumma"),
            "all or mean or luma or grey, got 'lumma'",
        ),
        (lambda a: metrics.ssim(a, a, channels="all"), "mean or luma or grey, got 'all'"),
        (lambda a: metrics.psnr(a, a, rounding="uint16"), "none or uint8, got 'uint16'"),
        (lambda a: metrics.psnr(a, a, data_range="255"), "unit or reference, got '255'"),
        (lambda a: metrics.psnr(a, a, crop=8), r"more than 16 pixels .* got 16 x 16"),
        (lambda a: metrics.psnr(a, a, crop=-1), "crop as a whole number, 0 or more, got -1"),
        (lambda a: metrics.psnr(a, a, data_range="reference"), "flat: its range is 0"),
        (lambda a: metrics.ssim(a, a, window_size=8), "odd window_size, got 8: .* take 7 or 9"),
        (lambda a: metrics.ssim(a, a, sigma=0.0), "sigma above 0"),
        (lambda a: metrics.ssim(a, a, sigma="a"), "sigma above 0 and finite, got 'a'"),
        (lambda a: metrics.ssim(a, a, crop="a"), "crop as a whole number, 0 or more, got 'a'"),
        (lambda _: metrics.ssim_smallest_side(padding="same"), "zeros, got 'same'"),
        (lambda _: metrics.ssim_smallest_side(window_size=8), "odd window_size, got 8"),
        (lambda _: metrics.psnr_convention(channels="x"), "all or mean or luma or grey, got 'x'"),
        (lambda _: metrics.psnr_convention(data_range="x"), "unit or reference, got 'x'"),
        (lambda _: metrics.ssim_convention(channels="all"), "mean or luma or grey, got 'all'"),
        (lambda _: metrics.ssim_convention(covariance="x"), "population or sample, got 'x'"),
        (lambda _: metrics.ssim_convention(rounding="x"), "none or uint8, got 'x'"),
        (lambda a: metrics.ssim(a, a, padding="same"), "valid or reflect or zeros, got 'same'"),
        (lambda a: metrics.psnr(a[:, :2], a[:, :2], channels="luma"), "red, green and blue"),
    ],
)
def test_what_is_no_convention_is_refused(call: Any, message: str) -> None:
    """The message has what there is and what came."""
    with pytest.raises(DataError, match=message):
        call(torch.full((1, 3, 16, 16), 0.5))


def test_every_argument_is_in_the_convention() -> None:
    """Another value of any argument is another convention, written as JSON values."""
    psnr = {"channels": "luma", "data_range": "reference", "rounding": "uint8", "crop": 4}
    ssim = psnr | {
        "window": "uniform",
        "window_size": 7,
        "sigma": 2.0,
        "padding": "zeros",
        "covariance": "sample",
        "downsample": True,
    }
    for say, options in ((metrics.psnr_convention, psnr), (metrics.ssim_convention, ssim)):
        for name, value in options.items():
            assert say(**{name: value}) != say(), name  # type: ignore[operator]
