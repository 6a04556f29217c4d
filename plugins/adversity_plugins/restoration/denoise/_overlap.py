"""Overlapping patches as coefficients: taken from an image, and averaged back into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._block_matching import SIDE

if TYPE_CHECKING:
    from torch import Tensor

_BETA = 2.0
"""Of Kaiser's window, by which the middle of a patch counts more than its border."""


def patches(planes: Tensor, transform: Tensor) -> Tensor:
    """Return all 8 x 8 patches of `[C, H, W]`, transformed: `[P, C, 64]`, in the order of reading.

    Args:
        planes: `[C, H, W]`.
        transform: `[8, 8]`, which both sides of a patch are multiplied by.
    """
    from torch.nn.functional import conv2d

    values = conv2d(planes.unsqueeze(1), _squares(transform))
    return values.permute(2, 3, 0, 1).flatten(0, 1).contiguous()


class Overlap:
    """A weighted mean of overlapping patches; the transform back is done once, for their sums."""

    def __init__(self, planes: Tensor, transform: Tensor) -> None:
        """Start with nothing, for planes `[C, H, W]` and what their patches were multiplied by."""
        import torch

        # Synthesis has the columns of the inverse.
        self._basis = _squares(torch.linalg.inv(transform.double()).T.to(planes))
        channels, height, width = planes.shape
        self._shape = height - SIDE + 1, width - SIDE + 1
        count = self._shape[0] * self._shape[1]
        self._values = planes.new_zeros(count, channels * SIDE**2)
        self._weights = planes.new_zeros(count, channels)

    def add(self, places: Tensor, values: Tensor, weights: Tensor) -> None:
        """Add stacks: places `[G, K]`, coefficients `[G, K, C * 64]`, weights `[G, C]`."""
        (groups, alike), channels = places.shape, weights.shape[1]
        each = weights[:, None, :].expand(groups, alike, channels)
        weighted = values.reshape(groups, alike, channels, -1) * each[..., None]
        self._values.index_add_(0, places.flatten(), weighted.flatten(2).flatten(0, 1))
        self._weights.index_add_(0, places.flatten(), each.flatten(0, 1))

    def mean(self) -> Tensor:
        """Return planes `[C, H, W]`."""
        import torch
        from torch.nn.functional import conv_transpose2d

        line = torch.kaiser_window(SIDE, periodic=False, beta=_BETA, dtype=self._values.dtype)
        window = line.outer(line).to(self._values)[None, None]
        values = self._values.reshape(*self._shape, -1, SIDE**2)
        weights = self._weights.reshape(*self._shape, 1, -1).permute(3, 2, 0, 1)
        summed = conv_transpose2d(values.permute(2, 3, 0, 1), self._basis * window)
        return (summed / conv_transpose2d(weights, window))[:, 0]


def _squares(lines: Tensor) -> Tensor:
    """Return the 64 products of two rows of `[8, 8]`, `[64, 1, 8, 8]`."""
    import torch

    return torch.einsum("ai,bj->abij", lines, lines).reshape(-1, 1, SIDE, SIDE)
