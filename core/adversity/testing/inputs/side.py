"""Side information the kit makes for restorations: what a degradation would give of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.side import is_padded
from adversity.engine.calls.side_sizes import padded_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

__all__ = ["comparable", "kernels_of", "side_of", "side_value"]

_WIDEST = 129
"""Side of the kernels that are compared."""


def side_of(needs: Iterable[str], images: Tensor) -> dict[str, Tensor]:
    """Return those of the needs that the kit can make, each with first axis N.

    A need it cannot make is left to the plugin's parameter or estimate.

    Args:
        needs: Names, as in `Restoration.needs`.
        images: `[N, C, H, W]`.
    """
    side = {need: side_value(need, images) for need in needs}
    return {need: value for need, value in side.items() if value is not None}


def side_value(need: str, images: Tensor, which: int = 0) -> Tensor | None:
    """Return a plausible value of a need for each image, or None if the kit knows none.

    Args:
        need: Its name: one of `adversity.contracts.side.AXES`.
        images: `[N, C, H, W]`.
        which: 0, or 1 for another value.

    Returns:
        Of the shape that the vocabulary says, a kernel with k = 5; float32.
    """
    if need in ("sigma", "gain"):
        value = images.new_tensor([0.1, 0.25][which] if need == "sigma" else [0.3, 0.1][which])
        return value.expand(len(images)).clone()
    if need == "kernel":
        return kernels_of(5, images, [0.8, 1.6][which])
    if need == "mask":
        return _mask(which, images)
    if need in ("transmission", "depth"):
        return _slope(which, images)
    if need == "airlight":
        return images.new_tensor([[0.8, 0.85, 0.9], [0.6, 0.6, 0.6]][which]).repeat(len(images), 1)
    return None


def comparable(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return side information with kernels at one size: to which they are padded hangs on the batch."""
    return {
        name: padded_to(max(_WIDEST, value.shape[-1]), value) if is_padded(name) else value
        for name, value in values.items()
    }


def kernels_of(size: int, images: Tensor, width_px: float = 0.8) -> Tensor:
    """Return a Gaussian kernel for each image, `[N, 1, size, size]`; the size is odd."""
    import torch

    line = torch.exp(-0.5 * (torch.arange(-(size // 2), size // 2 + 1.0) / width_px) ** 2)
    kernel = line.outer(line)
    return (kernel / kernel.sum()).to(images).expand(len(images), 1, size, size).clone()


def _mask(which: int, images: Tensor) -> Tensor:
    """Return masks `[N, 1, H, W]`: 1 where the image is known, 0 in a hole."""
    height, width = images.shape[2:]
    mask = images.new_ones(len(images), 1, height, width)
    top, left = height // 4 + which * height // 4, width // 4
    mask[:, :, top : top + height // 5, left : left + width // 5] = 0
    return mask


def _slope(which: int, images: Tensor) -> Tensor:
    """Return maps `[N, 1, H, W]` that rise from top to bottom, within [0.3, 0.9]."""
    import torch

    height, width = images.shape[2:]
    line = torch.linspace(0.3 + 0.2 * which, 0.9, height).to(images)
    return line[None, None, :, None].expand(len(images), 1, height, width).clone()
