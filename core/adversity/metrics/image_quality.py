"""PSNR and SSIM of images in [0, 1] against their clean reference.

Libraries' defaults spread the SSIM of one pair from 0.33 to 0.64, so the convention is
part of the number and stands beside each function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.errors import DataError
from adversity.shapes import scale_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["PSNR_CONVENTION", "SSIM_CONVENTION", "psnr", "ssim"]

PSNR_CONVENTION: Mapping[str, Any] = {
    "data_range": 1.0,
    "channels": "mean squared error over all channels and pixels",
    "rounding": "none",
    "equal_images": "infinite, left out of means and counted",
}
SSIM_CONVENTION: Mapping[str, Any] = {
    "data_range": 1.0,
    "window": "gaussian, 11 pixels, sigma 1.5",
    "covariance": "population",
    "border": "valid windows only",
    "channels": "mean over channels",
    "k1": 0.01,
    "k2": 0.03,
}

_WINDOW = 11
_CACHED = 2**16
"""Values of the images measured together: their float64 maps stay in the processor's cache."""
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(images: Tensor, reference: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each image in dB, infinite for equal images.

    Args:
        images: `[N, C, H, W]` in [0, 1].
        reference: The same shape.

    Returns:
        `[N]` float64.

    Raises:
        DataError: The shapes differ, they are no batch of images, or not in [0, 1].

    Example:
        >>> import torch
        >>> white = torch.ones(1, 1, 2, 2)
        >>> round(psnr(white - 0.1, white).item(), 4)
        20.0
    """
    images, reference = _checked_pair(images, reference)
    error = (images - reference).square().mean(dim=(1, 2, 3))
    return -10 * error.log10()


def ssim(images: Tensor, reference: Tensor) -> Tensor:
    """Return the structural similarity of each image, 1 for equal images.

    Args:
        images: `[N, C, H, W]` in [0, 1], H and W at least 11.
        reference: The same shape.

    Returns:
        `[N]` float64 in [-1, 1].

    Raises:
        DataError: The shapes differ, the images are not in [0, 1], or smaller than the window.

    Reference:
        Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment:
        from error visibility to structural similarity", 2004, equation 13. Colour: the
        mean over channels.
    """
    images, reference = _checked_pair(images, reference)
    height, width = images.shape[2:]
    if min(height, width) < _WINDOW:
        raise DataError(
            f"expected images of at least {_WINDOW} x {_WINDOW} pixels for SSIM (its window), "
            f"got {height} x {width}: use larger images, or PSNR"
        )
    import torch

    rows = max(1, _CACHED // images[0].numel())
    pairs = zip(images.split(rows), reference.split(rows), strict=True)  # type: ignore[no-untyped-call]
    return torch.cat([_ssim(a, b) for a, b in pairs])


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    """Measure float64 images of a batch."""
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a = _blur(a * a) - mean_a * mean_a
    variance_b = _blur(b * b) - mean_b * mean_b
    covariance = _blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a * mean_a + mean_b * mean_b + _C1)
    structure = (2 * covariance + _C2) / (variance_a + variance_b + _C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _blur(maps: Tensor) -> Tensor:
    """Average over the window, row-wise then column-wise, valid positions only.

    Shifted sums instead of a convolution: their bits do not depend on the batch size.
    """
    import torch

    offsets = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weights = torch.exp(-0.5 * (offsets / _SIGMA) ** 2)
    taps = (weights / weights.sum()).tolist()
    for axis in (2, 3):
        length = maps.shape[axis] - _WINDOW + 1
        total = taps[0] * maps.narrow(axis, 0, length)
        term = torch.empty_like(total)
        for i, tap in enumerate(taps[1:], start=1):
            # Product and sum are rounded apart: a fused one may round otherwise at row ends.
            total += torch.mul(maps.narrow(axis, i, length), tap, out=term)
        maps = total
    return maps


def _checked_pair(images: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as float64, without their gradients."""
    import torch

    for given in (images, reference):
        if not isinstance(given, torch.Tensor):
            raise DataError(
                f"expected tensors [N, C, H, W], got {type(given).__name__}: use torch.from_numpy"
            )
    if images.shape != reference.shape or images.ndim != 4 or 0 in images.shape:
        raise DataError(
            f"expected two batches [N, C, H, W] of one shape, got {list(images.shape)} and "
            f"{list(reference.shape)}: crop or resize the reference first"
        )
    pair = images.detach().double(), reference.detach().double()
    for given, values in zip((images, reference), pair, strict=True):
        fault = scale_fault(values if given.is_floating_point() else given)
        if fault is not None:
            raise DataError(fault)
    return pair
