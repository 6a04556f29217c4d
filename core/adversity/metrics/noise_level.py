"""The noise level of an image, estimated from the image alone.

Reference: Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994:
the median of the finest diagonal wavelet coefficients is hardly touched by the scene.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["noise_level"]

_QUARTILE = 0.6744897501960817
"""The median of |z| for a standard normal z."""

_ROOT3 = 3.0**0.5
_DB2 = tuple(
    value / (4 * 2.0**0.5) for value in (1 - _ROOT3, -(3 - _ROOT3), 3 + _ROOT3, -(1 + _ROOT3))
)
"""The high-pass filter of Daubechies' wavelet with two vanishing moments; its norm is 1."""


def noise_level(images: Tensor) -> Tensor:
    """Return the standard deviation of white Gaussian noise, one number an image.

    The estimate is the mean over the channels. Coefficients that are exactly 0 (clipped or
    synthetic areas) hold no noise and are left out. Fine texture makes it too large, and
    clipping to [0, 1] makes it too small.

    Args:
        images: `[N, C, H, W]` floating-point and finite, H and W at least 4.

    Returns:
        `[N]` float64 on the scale of the images, [0, 1]; 0 for a flat image.

    Raises:
        DataError: If they are no such images, or smaller than the filter.
    """
    import torch
    from torch.nn import functional

    _require_images(images)
    line = torch.tensor(_DB2, dtype=torch.float64, device=images.device)
    planes = images.detach().double().flatten(0, 1).unsqueeze(1)
    details = functional.conv2d(planes, line.outer(line).view(1, 1, 4, 4), stride=2)
    sigmas = torch.stack([_spread(plane) for plane in details.abs().flatten(1)])
    return sigmas.view(images.shape[:2]).mean(1)


def _require_images(images: object) -> None:
    """Refuse what has no noise level; an attack may query images beyond [0, 1], which have one.

    Raises:
        DataError: With what came.
    """
    import torch

    if not isinstance(images, torch.Tensor):
        raise DataError(
            f"expected a tensor [N, C, H, W], got {type(images).__name__}: use torch.from_numpy"
        )
    if images.ndim != 4 or 0 in images.shape:
        raise DataError(f"expected a batch of images [N, C, H, W], got {list(images.shape)}")
    if not images.is_floating_point():
        raise DataError(
            f"expected floating-point images in [0, 1], got {images.dtype}: write "
            "images.float() / 255 if they are bytes"
        )
    if not bool(images.isfinite().all()):
        raise DataError("expected finite images to estimate the noise from, got NaN or infinity")
    if min(images.shape[2:]) < len(_DB2):
        height, width = images.shape[2:]
        raise DataError(
            f"expected images of at least 4x4 pixels to estimate the noise from, got "
            f"{height}x{width}; give a restoration the parameter sigma instead"
        )


def _spread(details: Tensor) -> Tensor:
    # A flat area gives rounding errors, not zeros; no noise worth removing is that small.
    noisy = details[details > 1e-9]
    if not len(noisy):
        return details.new_zeros(())
    return noisy.quantile(0.5) / _QUARTILE if len(noisy) < 2**24 else noisy.median() / _QUARTILE
