"""Differences of neighbouring pixels, and their adjoint: what total variation is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["adjoint", "differences"]


def differences(images: Tensor) -> Tensor:
    """Return the differences down and right, `[..., 2, H, W]` of `[..., H, W]`; across the border 0."""
    import torch
    from torch.nn.functional import pad

    down = pad(images.diff(dim=-2), (0, 0, 0, 1))
    right = pad(images.diff(dim=-1), (0, 1))
    return torch.stack([down, right], -3)


def adjoint(field: Tensor) -> Tensor:
    """Return the adjoint of `differences`, minus the divergence: `[..., H, W]` of `[..., 2, H, W]`."""
    from torch.nn.functional import pad

    down, right = field[..., 0, :-1, :], field[..., 1, :, :-1]
    return (
        pad(down, (0, 0, 1, 0)) - pad(down, (0, 0, 0, 1)) + pad(right, (1, 0)) - pad(right, (0, 1))
    )
