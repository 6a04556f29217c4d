"""Networks that take whole blocks of pixels only, on images of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["in_whole_blocks", "mirrored"]


def in_whole_blocks(network: Callable[[Tensor], Tensor], images: Tensor, multiple: int) -> Tensor:
    """Mirror images at the lower and right border up to whole blocks, and cut the answer again.

    Args:
        network: `[N, C, H, W]` in and out.
        images: `[N, C, H, W]`, of any size.
        multiple: Of what the network's height and width are.
    """
    height, width = images.shape[-2:]
    whole = mirrored(mirrored(images, 2, -height % multiple), 3, -width % multiple)
    return network(whole)[..., :height, :width]


def mirrored(images: Tensor, axis: int, more: int) -> Tensor:
    """Lengthen an axis by its mirror image, back and forth where it is short.

    The border pixel stands once, as in torch's `reflect`; one pixel alone is repeated.
    """
    import torch

    if more == 0:
        return images
    length = images.shape[axis]
    period = max(2 * (length - 1), 1)
    place = torch.arange(length + more, device=images.device) % period
    return images.index_select(axis, torch.minimum(place, period - place))
