"""What `small_cnn` learns from, collected in memory: images of one size, classes and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from adversity.contracts.values import Block, FitData

__all__ = ["gather", "gather_alike", "redrawn"]


def gather(data: FitData) -> tuple[Tensor, Tensor, Tensor | None]:
    """Collect the stream: images `[N, C, H, W]`, targets `[N]`, and weights `[N]` if there are any.

    Raises:
        DataError: If labels or images are missing, or sizes differ.
    """
    images, labels, weights = _labelled(data)
    present = np.unique(labels.numpy()).tolist()
    if len(present) < 2 or min(present) < 0:
        names = ", ".join(data.class_names[i] for i in present if i >= 0) or "none"
        raise DataError(
            f"training small_cnn needs at least two labelled classes, got {names} in "
            f"{len(labels)} images; check the labels of the training set, or name another one "
            "in fit_on:"
        )
    return images, labels, weights


def gather_alike(validate: FitData, images: Tensor) -> tuple[Tensor, Tensor]:
    """Collect images to validate on, of the size of those to train on, and their targets.

    Raises:
        DataError: If labels or images are missing, or sizes differ.
    """
    held, labels, _ = _labelled(validate)
    if held.shape[1:] != images.shape[1:]:
        raise DataError(
            "training small_cnn needs images of one size, got (C, H, W) = "
            f"{tuple(images.shape[1:])} to train on and {tuple(held.shape[1:])} to validate on; "
            "give both data sets one `prepare:`"
        )
    return held, labels


def redrawn(data: FitData, images: Tensor, epoch: int) -> Tensor:
    """Collect the stream as an epoch draws it.

    Raises:
        DataError: If images have another size then.
    """
    found, *_ = _labelled(data.epoch(epoch))
    if found.shape != images.shape:
        raise DataError(
            f"training small_cnn needs images of one size, got (N, C, H, W) = {tuple(images.shape)} "
            f"at first and {tuple(found.shape)} in epoch {epoch}; give the data set a `prepare:`, "
            "and leave `redraw` where a step draws the size"
        )
    return found


def _labelled(data: Iterable[Block]) -> tuple[Tensor, Tensor, Tensor | None]:
    images: list[Tensor] = []
    weights: list[Tensor] = []
    targets: list[Tensor] = []
    for block in data:
        if block.images is None or block.targets is None:
            raise DataError("training small_cnn needs labelled images; fit it on a data set")
        images.append(block.images)
        targets.append(block.targets)
        weights += [] if block.weights is None else [block.weights]
    shapes = sorted({tuple(block.shape[1:]) for block in images})
    if len(shapes) != 1:
        raise DataError(
            f"training small_cnn needs images of one size, got (C, H, W) in {shapes[:5]}; give "
            "the data set `prepare: {resize_short: 32, centre_crop: 32}`"
        )
    return torch.cat(images), torch.cat(targets), torch.cat(weights) if weights else None
