"""PSNR and SSIM of images in [0, 1] against their clean reference.

Libraries' defaults spread the SSIM of one pair from 0.33 to 0.64, so every choice is an argument,
and the convention is part of the number. What of the images is compared is in `image_pairs.py`,
the windows of SSIM are in `image_windows.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from adversity.errors import DataError
from adversity.metrics.image_pairs import (
    CHANNEL_WORDS,
    RANGE_WORDS,
    ROUNDING_WORDS,
    DataRange,
    Rounding,
    checked_pair,
    compared,
    crop_of,
    one_of,
    range_of,
)
from adversity.metrics.image_windows import (
    Covariance,
    Padding,
    Window,
    WindowForm,
    reduced,
    window_size_of,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["psnr", "psnr_convention", "ssim", "ssim_convention", "ssim_smallest_side"]

PsnrChannels = Literal["all", "mean", "luma", "grey"]
SsimChannels = Literal["mean", "luma", "grey"]

_CACHED = 2**16
"""Values of the images measured together: their float64 maps stay in the processor's cache."""
_K1, _K2 = 0.01, 0.03


def psnr(
    images: Tensor,
    reference: Tensor,
    *,
    channels: PsnrChannels = "all",
    data_range: DataRange = "unit",
    rounding: Rounding = "none",
    crop: int = 0,
) -> Tensor:
    """Return the peak signal-to-noise ratio of each image in dB, infinite for equal images.

    Args:
        images: `[N, C, H, W]` in [0, 1].
        reference: The same shape.
        channels: `all`: of one mean squared error; `mean`: the mean of the channels' own PSNRs;
            `luma`: of BT.601's Y as papers on super-resolution take it; `grey`: of full-range
            grey.
        data_range: The peak: 1, or max - min of each clean image.
        rounding: Whether both are rounded to the 256 values of a file first.
        crop: Pixels of each border that are left out.

    Returns:
        `[N]` float64.

    Raises:
        DataError: The shapes differ, they are no batch of images, or not in [0, 1]; crop leaves
            nothing; or a clean image is flat and its range is asked for.

    Example:
        >>> import torch
        >>> white = torch.ones(1, 1, 2, 2)
        >>> round(psnr(white - 0.1, white).item(), 4)
        20.0
    """
    one_of(channels, PsnrChannels, "channels")
    images, reference = (
        compared(given, channels=channels, rounding=rounding, crop=crop)
        for given in checked_pair(images, reference)
    )
    pixels = (2, 3) if channels == "mean" else (1, 2, 3)
    error = (images - reference).square().mean(dim=pixels, keepdim=True)
    peak = range_of(reference, data_range)
    return (-10 * (error / peak**2).log10()).flatten(1).mean(dim=1)


def psnr_convention(
    *,
    channels: PsnrChannels = "all",
    data_range: DataRange = "unit",
    rounding: Rounding = "none",
    crop: int = 0,
) -> dict[str, Any]:
    """Say how `psnr` with these arguments is meant, as JSON values.

    Raises:
        DataError: If one of them is none of those that there are.
    """
    one_of(channels, PsnrChannels, "channels")
    words = {
        "all": "mean squared error over all channels and pixels",
        "mean": "mean over the PSNRs of the channels; infinite where one channel is equal",
        **CHANNEL_WORDS,
    }
    return {
        **_pair_words(data_range, rounding),
        "channels": words[channels],
        "crop": crop_of(crop),
        "equal_images": "infinite, left out of means and counted",
    }


def ssim(
    images: Tensor,
    reference: Tensor,
    *,
    channels: SsimChannels = "mean",
    data_range: DataRange = "unit",
    rounding: Rounding = "none",
    crop: int = 0,
    window: WindowForm = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Padding = "valid",
    covariance: Covariance = "population",
    downsample: bool = False,
) -> Tensor:
    """Return the structural similarity of each image, 1 for equal images.

    Args:
        images: `[N, C, H, W]` in [0, 1], H and W at least `ssim_smallest_side(...)`.
        reference: The same shape.
        channels: `mean`: the mean of the channels' own; `luma`: of BT.601's Y; `grey`: of
            full-range grey.
        data_range: In the constants: 1, or max - min of each clean image.
        rounding: Whether both are rounded to the 256 values of a file first.
        crop: Pixels of each border that are left out.
        window: Gaussian or uniform weights.
        window_size: Its width in pixels, odd.
        sigma: Of the Gaussian, in pixels.
        padding: `valid`: windows inside the image only; `reflect`: one at each pixel, the image
            mirrored at its border pixels; `zeros`: the same, black around the image.
        covariance: `population`: divided by n; `sample`: by n - 1, n the pixels of the window.
        downsample: Whether larger images are averaged and thinned first, so that the shorter
            side is near 256, as Wang's ssim.m does.

    Returns:
        `[N]` float64 in [-1, 1].

    Raises:
        DataError: The shapes differ, the images are not in [0, 1], or smaller than the window; or
            a clean image is flat and its range is asked for.

    Reference:
        Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment:
        from error visibility to structural similarity", 2004, equation 13. Colour: the
        mean over channels.
    """
    import torch

    one_of(channels, SsimChannels, "channels")
    weights = Window(window, window_size, sigma, padding, covariance)
    pair = checked_pair(images, reference)
    _require_room(pair[0], ssim_smallest_side(window_size=window_size, padding=padding, crop=crop))
    a, b = (compared(given, channels=channels, rounding=rounding, crop=crop) for given in pair)
    rows = max(1, _CACHED // a[0].numel())
    parts = zip(a.split(rows), b.split(rows), strict=True)  # type: ignore[no-untyped-call]
    return torch.cat([_ssim(x, y, weights, data_range, downsample=downsample) for x, y in parts])


def ssim_convention(
    *,
    channels: SsimChannels = "mean",
    data_range: DataRange = "unit",
    rounding: Rounding = "none",
    crop: int = 0,
    window: WindowForm = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Padding = "valid",
    covariance: Covariance = "population",
    downsample: bool = False,
) -> dict[str, Any]:
    """Say how `ssim` with these arguments is meant, as JSON values.

    Raises:
        DataError: If one of them is none of those that there are.
    """
    one_of(channels, SsimChannels, "channels")
    Window(window, window_size, sigma, padding, covariance)
    borders = {
        "valid": "valid windows only",
        "reflect": "mirrored at the border pixels",
        "zeros": "black around the image",
    }
    divisors = {"population": "population", "sample": "sample: n / (n - 1), n the window's pixels"}
    shape = f", sigma {sigma:g}" if window == "gaussian" else ""
    thinned = "average over f x f pixels, every f-th kept, f = round(shorter side / 256)"
    return {
        **_pair_words(data_range, rounding),
        "window": f"{window}, {window_size} pixels{shape}",
        "covariance": divisors[covariance],
        "border": borders[padding],
        "channels": {"mean": "mean over channels", **CHANNEL_WORDS}[channels],
        "crop": crop_of(crop),
        "downsampling": thinned if downsample else "none",
        "k1": _K1,
        "k2": _K2,
    }


def ssim_smallest_side(*, window_size: int = 11, padding: Padding = "valid", crop: int = 0) -> int:
    """Return the smallest height and width of images that `ssim` can measure.

    Raises:
        DataError: If the padding is none of those that there are, or a number is not whole.

    Example:
        >>> ssim_smallest_side(), ssim_smallest_side(padding="reflect", crop=4)
        (11, 14)
    """
    one_of(padding, Padding, "padding")
    size = window_size_of(window_size)
    inside = {"valid": size, "reflect": size // 2 + 1, "zeros": 1}
    return inside[padding] + 2 * crop_of(crop)


def _pair_words(data_range: DataRange, rounding: Rounding) -> dict[str, Any]:
    """Say what of two images is compared.

    Raises:
        DataError: If one of them is none of those that there are.
    """
    one_of(data_range, DataRange, "data_range")
    one_of(rounding, Rounding, "rounding")
    return {"data_range": RANGE_WORDS[data_range], "rounding": ROUNDING_WORDS[rounding]}


def _require_room(images: Tensor, smallest: int) -> None:
    """Refuse images that the window, and what the crop takes, do not fit into.

    Raises:
        DataError: With both sizes.
    """
    height, width = images.shape[2:]
    if min(height, width) < smallest:
        raise DataError(
            f"expected images of at least {smallest} x {smallest} pixels for SSIM (its window and "
            f"crop), got {height} x {width}: use larger images, a smaller window or crop, or PSNR"
        )


def _ssim(
    a: Tensor, b: Tensor, window: Window, data_range: DataRange, *, downsample: bool
) -> Tensor:
    """Measure float64 images of a batch."""
    if downsample:
        a, b = reduced(a), reduced(b)
    width = range_of(b, data_range)
    c1, c2 = (_K1 * width) ** 2, (_K2 * width) ** 2
    # A variance is the difference of two means, which leaves no digits of a narrow range: there the
    # darkest value is taken off before, which moves no variance.
    darkest = b.amin(dim=(1, 2, 3), keepdim=True) if data_range == "reference" else 0.0
    a, b = window.padded(a) - darkest, window.padded(b) - darkest
    mean_a, mean_b = window.mean(a), window.mean(b)
    variance_a = window.spread(window.mean(a * a) - mean_a * mean_a)
    variance_b = window.spread(window.mean(b * b) - mean_b * mean_b)
    covariance = window.spread(window.mean(a * b) - mean_a * mean_b)
    mean_a, mean_b = mean_a + darkest, mean_b + darkest
    luminance = (2 * mean_a * mean_b + c1) / (mean_a * mean_a + mean_b * mean_b + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return (luminance * structure).mean(dim=(1, 2, 3))
