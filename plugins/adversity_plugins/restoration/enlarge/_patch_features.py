"""Patches of a bicubic image as first and second differences, and patches put together again.

What Zeyde, Elad and Protter began with and A+ and the forest took over: each pixel of the small
image is the corner of a patch of 3 x 3 of its pixels, `3 * factor` large ones wide. Of the
bicubic image a patch has four differences at each pixel, `factor` pixels apart; its detail is what
the clean image has beside the bicubic one.

Reference: Zeyde, Elad, Protter, "On single image scale-up using sparse-representations", 2010,
section 3; Timofte, De Smet, Van Gool, "A+: Adjusted anchored neighborhood regression for fast
super-resolution", 2014, section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from adversity_plugins.restoration.enlarge._bicubic import enlarged

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AROUND", "assembled", "basis_of", "features_of", "patches_of"]

WINDOW = 3
"""Pixels of the small image in a patch, along each side."""
AROUND = WINDOW - 1
"""Pixels by which the small image is continued, so that every one is in nine patches."""
_KEPT = 0.999


def features_of(small: Tensor, factor: int) -> Tensor:
    """Return the four differences of all patches of one luma image.

    Args:
        small: `[1, 1, h, w]`; its border is not continued.
        factor: s.

    Returns:
        `[P, 4 * (3 s)^2]`, P = (h - 2)(w - 2), row by row.
    """
    large = enlarged(small, factor)
    far = functional.pad(large, (factor,) * 4, mode="replicate")
    height, width = large.shape[2:]

    def moved(rows: int, columns: int) -> Tensor:
        top, left = factor + rows, factor + columns
        return far[..., top : top + height, left : left + width]

    ahead, behind = factor // 2, factor // 2 - factor
    maps = [
        moved(ahead, 0) - moved(behind, 0),
        moved(0, ahead) - moved(0, behind),
        (moved(factor, 0) + moved(-factor, 0)) / 2 - large,
        (moved(0, factor) + moved(0, -factor)) / 2 - large,
    ]
    return patches_of(torch.cat(maps, 1), factor)


def patches_of(large: Tensor, factor: int) -> Tensor:
    """Return the patches of `[1, C, h s, w s]`, `[P, C * (3 s)^2]`."""
    return functional.unfold(large, WINDOW * factor, stride=factor)[0].T.contiguous()


def assembled(patches: Tensor, height: int, width: int, factor: int) -> Tensor:
    """Put patches of an image together where it was continued by `AROUND`, and cut that off.

    Args:
        patches: `[(h + 2)(w + 2), (3 s)^2]`.
        height: h, of the small image as it was.
        width: w.
        factor: s.

    Returns:
        `[1, 1, h s, w s]`, at each pixel the mean of the nine patches that it is in.
    """
    rim = AROUND * factor
    size = (height * factor + 2 * rim, width * factor + 2 * rim)
    total = functional.fold(patches.T[None], size, WINDOW * factor, stride=factor)
    inside: Tensor = total[..., rim : size[0] - rim, rim : size[1] - rim]
    return inside / WINDOW**2


def basis_of(parts: Iterable[Tensor]) -> Tensor:
    """Return the directions that hold 99.9 % of the energy of all parts, each `[P, D]`.

    The mean is not taken off, as the published programs do not.

    Returns:
        `[D, d]` float32, that of least energy first.
    """
    gram = sum(part.T.double() @ part.double() for part in parts)
    energy, directions = torch.linalg.eigh(gram)
    share = energy.clamp_min(0).cumsum(0) / energy.clamp_min(0).sum()
    first = int((share < 1 - _KEPT).sum())
    basis: Tensor = directions[:, first:].float().contiguous()
    return basis
