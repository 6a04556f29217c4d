"""What a network learns numbers from, collected in memory: images of one size, and targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from adversity.contracts.values import Block, FitData

__all__ = ["NumberedImages", "gather", "gather_alike", "redrawn"]


@dataclass(frozen=True, slots=True)
class NumberedImages:
    """Images with numbers.

    Attributes:
        images: `[N, C, H, W]` float32 in [0, 1].
        targets: `[N, D]` float64.
        weights: `[N]` float64 above 0, what each counts; None where all count the same.
        ids: Of the samples; one that was drawn several times stands there as often.
    """

    images: Tensor
    targets: Tensor
    weights: Tensor | None
    ids: tuple[str, ...]


def gather(data: FitData, label: str) -> NumberedImages:
    """Collect the stream to learn from.

    Args:
        data: Images with numbers as targets.
        label: What messages call the plugin.

    Raises:
        DataError: If images or targets are missing, sizes differ, there are fewer than three, or
            a target is the same for all.
    """
    found = _numbered(data, label)
    count = len(found.images)
    if count < 3:
        raise DataError(f"fitting {label} needs three images or more, got {count}; add some")
    spread = found.targets.amax(0) - found.targets.amin(0)
    if not bool((spread > 0).all()):
        same = int(spread.argmin())
        raise DataError(
            f"fitting {label} needs targets that differ, got {data.target_names[same]} = "
            f"{float(found.targets[0, same]):.6g} for all {count} images"
        )
    return found


def gather_alike(validate: FitData, images: Tensor, label: str) -> NumberedImages:
    """Collect images to validate on, of the size of those to train on.

    Raises:
        DataError: If images or targets are missing, or sizes differ.
    """
    held = _numbered(validate, label)
    if held.images.shape[1:] != images.shape[1:]:
        raise DataError(
            f"fitting {label} needs images of one size, got (C, H, W) = {tuple(images.shape[1:])} "
            f"to train on and {tuple(held.images.shape[1:])} to validate on; give both data sets "
            "one `prepare:`"
        )
    return held


def redrawn(data: FitData, images: Tensor, label: str, epoch: int) -> Tensor:
    """Collect the images as an epoch draws them.

    Raises:
        DataError: If they have another size then.
    """
    found = _numbered(data.epoch(epoch), label).images
    if found.shape != images.shape:
        raise DataError(
            f"fitting {label} needs images of one size, got (N, C, H, W) = {tuple(images.shape)} "
            f"at first and {tuple(found.shape)} in epoch {epoch}; give the data set a `prepare:`, "
            "and leave `redraw` where a step draws the size"
        )
    return found


def _numbered(data: Iterable[Block], label: str) -> NumberedImages:
    images: list[Tensor] = []
    targets: list[Tensor] = []
    weights: list[Tensor] = []
    ids: list[str] = []
    for block in data:
        if block.images is None or block.targets is None or block.targets.ndim != 2:
            raise DataError(
                f"fitting {label} needs images with numbers as targets; fit it on such a data set"
            )
        images.append(block.images.cpu())
        targets.append(block.targets.cpu().double())
        weights += [] if block.weights is None else [block.weights.cpu()]
        ids += block.ids
    shapes = sorted({tuple(block.shape[1:]) for block in images})
    if len(shapes) != 1:
        raise DataError(
            f"fitting {label} needs images of one size, got (C, H, W) in {shapes[:5]}; give the "
            "data set `prepare: {resize_short: 32, centre_crop: 32}`"
        )
    counts = torch.cat(weights) if weights else None
    return NumberedImages(torch.cat(images), torch.cat(targets), counts, tuple(ids))
