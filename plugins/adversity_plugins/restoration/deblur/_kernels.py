"""Kernels of blur, as they are found: fitted, cleaned, centred and enlarged.

Each is `[k, k]` with k odd, not negative, with the sum 1; an image is correlated with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["centred", "cleaned", "delta", "enlarged", "fitted", "widened"]


def delta(side: int, like: Tensor) -> Tensor:
    """Return the kernel that blurs nothing, on the device and in the type of `like`."""
    kernel = like.new_zeros(side, side)
    kernel[side // 2, side // 2] = 1
    return kernel


def fitted(sharp: Tensor, blurred: Tensor, side: int, ridge: float) -> Tensor:
    """Return argmin_k sum |k * sharp - blurred|^2 + ridge |k|^2, which has any sign and sum.

    The correlation goes round. The kernel has no more than `side` x `side` values, so that the
    normal equations are small: their matrix is that of the autocorrelation.

    Args:
        sharp: `[D, H, W]`, such as differences in several directions.
        blurred: Like it.
        side: Of the kernel, odd, at most the least of H and W.
        ridge: Above 0.
    """
    import torch

    height, width = sharp.shape[1:]
    far, seen = torch.fft.rfft2(sharp), torch.fft.rfft2(blurred)
    alike = torch.fft.irfft2((far.abs() ** 2).sum(0), s=(height, width))
    shared = torch.fft.irfft2((far * seen.conj()).sum(0), s=(height, width))
    at = torch.arange(side, device=sharp.device) - side // 2
    down, right = at.repeat_interleave(side), at.repeat(side)
    matrix = alike[(down[:, None] - down) % height, (right[:, None] - right) % width]
    matrix.diagonal().add_(ridge)
    factor = torch.linalg.cholesky(matrix)
    solution: Tensor = torch.cholesky_solve(shared[down % height, right % width, None], factor)
    return solution.view(side, side)


def cleaned(kernel: Tensor, *, least: float, part: float) -> Tensor | None:
    """Return a kernel without what is faint or apart; None if nothing of it is above 0.

    Args:
        kernel: `[k, k]` of any sign.
        least: Values below this share of the largest become 0.
        part: A piece that touches no other, not even at a corner, goes if it has less than this
            share of the sum; the heaviest stays.
    """
    import torch
    from scipy.ndimage import label

    most = kernel.max()
    if not most > 0:
        return None
    kernel = torch.where(kernel < least * most, 0, kernel).clamp(min=0)
    pieces, count = label((kernel > 0).cpu().numpy(), structure=[[1] * 3] * 3)
    which = torch.from_numpy(pieces).to(kernel.device).long()
    weights = kernel.new_zeros(count + 1).index_add_(0, which.flatten(), kernel.flatten())
    stays = weights >= part * weights.sum()
    stays[weights.argmax()] = True
    kernel = torch.where(stays[which], kernel, 0)
    return kernel / kernel.sum()


def centred(kernel: Tensor) -> Tensor:
    """Return the kernel moved by whole pixels, its mean place nearest to the centre.

    What a blur by it makes is the same but for the opposite move of the sharp image, which a
    blind method cannot tell.
    """
    moved = kernel
    for axis in (0, 1):
        moved = _shifted(moved, axis, -round(_mean(moved, axis)))
    return moved / moved.sum()


def enlarged(kernel: Tensor, side: int, factor: float) -> Tensor:
    """Return `[side, side]`: the kernel `factor` times as large, bicubically, about its mean place.

    So its mean comes to the centre to a part of a pixel, which moving by whole pixels cannot do.
    """
    import torch
    from torch.nn.functional import grid_sample

    reach = (len(kernel) - 1) / 2
    if reach == 0:
        return delta(side, kernel)
    at = (torch.arange(side, device=kernel.device) - side // 2).to(kernel) / factor
    down, right = (at + _mean(kernel, axis) for axis in (0, 1))
    places = torch.stack(torch.meshgrid(right / reach, down / reach, indexing="xy"), -1)
    large = grid_sample(kernel[None, None], places[None], mode="bicubic", align_corners=True)[0, 0]
    large = large.clamp(min=0)
    return large / large.sum()


def widened(kernel: Tensor, side: int) -> Tensor:
    """Return `[side, side]` with a border of zeros."""
    from torch.nn.functional import pad

    border = (side - len(kernel)) // 2
    return pad(kernel, (border,) * 4)


def _mean(kernel: Tensor, axis: int) -> float:
    """Return the mean place along an axis, in pixels from the centre."""
    sums = kernel.sum(1 - axis)
    return float((sums * (sums.new_tensor(range(len(sums))) - len(sums) // 2)).sum() / sums.sum())


def _shifted(kernel: Tensor, axis: int, by: int) -> Tensor:
    """Move along an axis; what leaves the kernel is lost."""
    rolled = kernel.roll(by, axis)
    if by > 0:
        rolled.narrow(axis, 0, by).zero_()
    elif by < 0:
        rolled.narrow(axis, len(kernel) + by, -by).zero_()
    return rolled
