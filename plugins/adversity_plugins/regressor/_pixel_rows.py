"""Images as rows of numbers, each with what is to be estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["flat", "gather"]

Array = np.ndarray[Any, Any]


def flat(images: Tensor, side: int, channels: int, label: str) -> Tensor:
    """Return images as rows `[N, channels * side * side]` float64, of one size.

    Args:
        images: `[N, C, H, W]` float32 in [0, 1].
        side: They are brought to this height and width, with an antialiased bilinear filter.
        channels: Of the rows: grey images are repeated to three.
        label: What messages call the plugin.

    Raises:
        DataError: If colour images come where grey ones were learnt.
    """
    from torch.nn.functional import interpolate

    if images.shape[1] != channels and images.shape[1] != 1:
        raise DataError(
            f"{label} was fitted on grey images, got {images.shape[1]} channels; fit it on images "
            "of the same kind"
        )
    small = images
    if images.shape[-2:] != (side, side):
        small = interpolate(
            images, size=(side, side), mode="bilinear", antialias=True, align_corners=False
        )
    return small.expand(-1, channels, -1, -1).flatten(1).double()


def gather(data: FitData, side: int, label: str) -> tuple[Array, Array, Array | None, int]:
    """Collect a stream.

    Args:
        data: Images with numbers as targets.
        side: As in `flat`.
        label: What messages call the plugin.

    Returns:
        Rows `[N, P]` float64, targets `[N, D]` float64, what each row counts `[N]` float64 or None,
        and the number of channels.

    Raises:
        DataError: If images or targets are missing, or there are fewer than three.
    """
    images: list[Tensor] = []
    targets: list[Tensor] = []
    weights: list[Tensor] = []
    for block in data:
        if block.images is None or block.targets is None or block.targets.ndim != 2:
            raise DataError(
                f"fitting {label} needs images with numbers as targets; fit it on such a data set"
            )
        images.append(block.images.cpu())
        targets.append(block.targets.cpu())
        if block.weights is not None:
            weights.append(block.weights.cpu())
    count = sum(map(len, images))
    if count < 3:
        raise DataError(f"fitting {label} needs three images or more, got {count}; add some")
    channels = max(int(block.shape[1]) for block in images)
    rows = torch.cat([flat(block, side, channels, label) for block in images])
    counts = torch.cat(weights).double().numpy() if weights else None
    return rows.numpy(), torch.cat(targets).double().numpy(), counts, channels
