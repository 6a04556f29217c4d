"""Statistics of natural scenes: the 36 features of NIQE for each patch of an image.

Locally normalised luminance of photographs is close to a generalised Gaussian, and products of
neighbours to an asymmetric one; degradations change their shape. All in float64, batched.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PATCH", "distances", "features", "luma_levels"]

PATCH = 96
"""Pixels of a side of a patch at full size; half as many at half size."""
_ROUNDING = 1e-9
"""Of 255 levels. Whole levels are off their local mean by 1e-4, or not at all."""
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def luma_levels(images: Tensor) -> Tensor:
    """Return BT.601's Y from 16 to 235, rounded, `[N, 1, H, W]` float64; grey as it is, times 255.

    Args:
        images: `[N, C, H, W]` in [0, 1], C 1 or 3.
    """
    values = images.double()
    if values.shape[1] == 1:
        return (255 * values).round()
    weights = values.new_tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1)
    return ((values * weights).sum(1, keepdim=True) + 16).round()


def features(luma: Tensor) -> Tensor:
    """Return `[N, P, 36]` features of the P whole patches of each image: 18 at each of two sizes.

    Args:
        luma: `[N, 1, H, W]` float64 from 0 to 255; what is right of and below the last whole patch
            is left out.
    """
    import torch

    rows, columns = (side // PATCH for side in luma.shape[2:])
    luma = luma[:, :, : rows * PATCH, : columns * PATCH]
    halves = _half(luma / 255) * 255
    parts = [
        _of_patches(_normalised(image), side)
        for image, side in ((luma, PATCH), (halves, PATCH // 2))
    ]
    return torch.cat(parts, dim=2)


def distances(found: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Return `[N]`: how far the features of each image are from those of good photographs.

    Args:
        found: `[N, P, 36]`; NaN where a patch has no texture to tell of.
        mean: `[36]` of good photographs.
        covariance: `[36, 36]` of them.

    Returns:
        Infinite where fewer than two patches have all features: there is no spread then.
    """
    import torch

    result = found.new_full((len(found),), torch.inf)
    for at, rows in enumerate(found):
        whole = rows[rows.isfinite().all(1)]
        if len(whole) < 2:
            continue
        # Means are over all that is known, the covariance over whole rows, as published.
        off = mean - torch.where(rows.isfinite(), rows, torch.nan).nanmean(0)
        inverse = torch.linalg.pinv((torch.cov(whole.T) + covariance) / 2)
        result[at] = (off @ inverse @ off).clamp(min=0).sqrt()
    return result


def _normalised(luma: Tensor) -> Tensor:
    """Subtract the local mean and divide by the local deviation plus 1 (of 255)."""
    mean = _smoothed(luma)
    variance = (_smoothed(luma * luma) - mean * mean).abs()
    off = luma - mean
    # In a flat part this is 0, but for rounding, whose sign would be counted.
    off = off.where(off.abs() > _ROUNDING, 0.0)
    normalised: Tensor = off / (variance.sqrt() + 1)
    return normalised


def _smoothed(luma: Tensor) -> Tensor:
    """Filter with a Gaussian of 7 pixels and sigma 7/6; at the border the last value is repeated."""
    import torch
    from torch.nn.functional import conv2d, pad

    place = torch.arange(-3, 4, dtype=luma.dtype, device=luma.device)
    line = torch.exp(-(place**2) / (2 * (7 / 6) ** 2))
    window = torch.outer(line, line)
    window = window / window.sum()
    return conv2d(pad(luma, (3, 3, 3, 3), mode="replicate"), window[None, None])


def _half(luma: Tensor) -> Tensor:
    """Shrink to half the size, bicubic and antialiased; beyond the border the image is mirrored.

    A mirror that repeats the border's own pixels, as MATLAB's `imresize` has it.
    """
    import torch
    from torch.nn.functional import interpolate

    for axis in (2, 3):
        first, last = luma.narrow(axis, 0, 8), luma.narrow(axis, luma.shape[axis] - 8, 8)
        luma = torch.cat([first.flip(axis), luma, last.flip(axis)], dim=axis)
    size = [side // 2 for side in luma.shape[2:]]
    small = interpolate(luma, size=size, mode="bicubic", antialias=True, align_corners=False)
    return small[:, :, 4:-4, 4:-4]


def _of_patches(normalised: Tensor, side: int) -> Tensor:
    """Return `[N, P, 18]`: shape and scale of the values, and of products with four neighbours."""
    import torch

    patches = _patches(normalised, side)
    alpha, _, left, right = _fit(patches)
    found = [alpha, (left + right) / 2]
    n, p, _ = patches.shape
    grid = patches.view(n, p, side, side)
    for shift in _NEIGHBOURS:
        # Within a patch, and around its edges: as the published code rolls each patch.
        products = grid * torch.roll(grid, shift, dims=(2, 3))
        found += _fit(products.reshape(n, p, -1))
    return torch.stack(found, dim=2)


def _patches(image: Tensor, side: int) -> Tensor:
    """Return `[N, P, side * side]`, row by row."""
    from torch.nn.functional import unfold

    return unfold(image, side, stride=side).transpose(1, 2)


def _fit(values: Tensor) -> list[Tensor]:
    """Fit an asymmetric generalised Gaussian by moments: shape, mean, left and right scale.

    Args:
        values: `[..., M]`.
    """
    import torch

    below, above = values.clamp(max=0), values.clamp(min=0)
    counts = [(values < 0).sum(-1), (values > 0).sum(-1)]
    left, right = (
        ((side * side).sum(-1) / count).sqrt()
        for side, count in zip((below, above), counts, strict=True)
    )
    ratio = left / right
    flatness = values.abs().mean(-1) ** 2 / (values * values).mean(-1)
    flatness = flatness * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, table = (part.to(values.device) for part in _shapes())
    above_it = torch.searchsorted(table, flatness).clamp(1, len(table) - 1)
    nearer = flatness - table[above_it - 1] <= table[above_it] - flatness
    alpha = shapes[torch.where(nearer, above_it - 1, above_it)]
    gammas = [torch.lgamma(top / alpha) for top in (1.0, 2.0, 3.0)]
    scale = torch.exp((gammas[0] - gammas[2]) / 2)
    left, right = left * scale, right * scale
    mean = (right - left) * torch.exp(gammas[1] - gammas[0])
    return [alpha, mean, left, right]


@cache
def _shapes() -> tuple[Tensor, Tensor]:
    """Return shapes from 0.2 to 10 in steps of 0.001, and the flatness of each."""
    import torch

    shapes = torch.arange(200, 10001, dtype=torch.float64) / 1000
    gammas = [torch.lgamma(top / shapes) for top in (1.0, 2.0, 3.0)]
    return shapes, torch.exp(2 * gammas[1] - gammas[0] - gammas[2])
