"""What super-resolution by patches is fitted on: patches of photos and of their small versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adversity.errors import DataError
from adversity_plugins.restoration.enlarge._bicubic import enlarged, luma, resized
from adversity_plugins.restoration.enlarge._patch_features import (
    WINDOW,
    basis_of,
    features_of,
    patches_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from adversity.contracts.values import FitData

__all__ = ["Photo", "gather", "training_patches"]

_RATIO = 0.98
"""Each photo is taken again 0.98 times as large, and again: the pyramid of A+'s program."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that is learnt from.

    Attributes:
        small: `[1, 1, h, w]` luma.
        clean: `[1, 1, h s, w s]` luma.
        given: The small one was given, and not made of a photo: it has no other scales.
    """

    small: Tensor
    clean: Tensor
    given: bool


def gather(data: FitData, factor: int, name: str) -> list[Photo]:
    """Return the lumas of all photos of a stream.

    References `factor` times as large as the images make pairs, which are taken as they are. Images
    as large as their references are photos: they are cut to multiples of the factor and shrunk
    bicubically.

    Raises:
        DataError: If sizes are others, or a photo is smaller than a patch.
    """
    photos = []
    for block in data:
        if block.images is None:
            raise DataError(f"{name}: expected images to be fitted on, got none")
        clean = block.images if block.references is None else block.references
        for image, reference in zip(block.images, clean, strict=True):
            photos.append(_photo(luma(image[None]), luma(reference[None]), factor, name))
    return photos


def _photo(image: Tensor, clean: Tensor, factor: int, name: str) -> Photo:
    sides, larger = tuple(image.shape[2:]), tuple(clean.shape[2:])
    if factor > 1 and larger == tuple(factor * side for side in sides):
        photo = Photo(image, clean, given=True)
    elif larger == sides:
        photo = Photo(_shrunk(image, factor), _cut(clean, factor), given=False)
    else:
        raise DataError(
            f"{name}: expected photos, or pairs whose reference is {factor} times as high and wide "
            f"as the image, got {list(sides)} and {list(larger)}; cut them to multiples of "
            f"{factor} with `prepare:`, or fit on the clean photos"
        )
    if min(photo.small.shape[2:]) < WINDOW:
        raise DataError(
            f"{name}: expected photos of at least {WINDOW * factor} x {WINDOW * factor} pixels, got "
            f"{list(larger)}; fit on larger ones"
        )
    return photo


def _cut(images: Tensor, factor: int) -> Tensor:
    height, width = (side // factor * factor for side in images.shape[2:])
    return images[..., :height, :width]


def _shrunk(images: Tensor, factor: int) -> Tensor:
    whole = _cut(images, factor)
    return resized(whole, whole.shape[2] // factor, whole.shape[3] // factor).clamp(0, 1)


def _levels(photo: Photo, factor: int, scales: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield small and clean luma at each scale; a pair has the one that it was given at."""
    yield photo.small, photo.clean
    if photo.given:
        return
    for level in range(1, scales):
        sides = [round(side * _RATIO**level) for side in photo.clean.shape[2:]]
        clean = _cut(resized(photo.clean, *sides), factor)
        if min(clean.shape[2:]) < WINDOW * factor:
            return
        yield _shrunk(clean, factor), clean


def training_patches(
    photos: list[Photo], factor: int, *, scales: int, most: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw patches.

    Args:
        photos: Of one factor.
        factor: s.
        scales: At how many scales each photo is taken, each 0.98 of the one before.
        most: How many patches to keep, drawn without replacement from all.
        rng: Draws them.

    Returns:
        The basis `[D, d]` of the features, features `[P, d]` in it, details `[P, (3 s)^2]`.
    """
    counts = [
        (small.shape[2] - 2) * (small.shape[3] - 2)
        for photo in photos
        for small, _ in _levels(photo, factor, scales)
    ]
    total = sum(counts)
    drawn = torch.arange(total)
    if total > most:
        drawn = torch.from_numpy(rng.choice(total, most, replace=False)).sort().values
    basis = basis_of(features_of(photo.small, factor) for photo in photos)
    features, details, start = [], [], 0
    levels = (level for photo in photos for level in _levels(photo, factor, scales))
    for count, (small, clean) in zip(counts, levels, strict=True):
        first, last = torch.searchsorted(drawn, torch.tensor([start, start + count])).tolist()
        rows = drawn[first:last] - start
        if len(rows):
            features.append(features_of(small, factor)[rows] @ basis)
            details.append(patches_of(clean - enlarged(small, factor), factor)[rows])
        start += count
    return basis, torch.cat(features), torch.cat(details)
