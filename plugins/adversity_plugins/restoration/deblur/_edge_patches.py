"""The sharp image around whose edges each patch is like a drawn one.

    min_x |k * x - y|^2 + smooth |grad x|^2 + weight sum_i |P_i x - q_i|^2

begins without patches, and then by turns: the strongest edges of x are looked up among drawn
patches, which say q_i, and x is solved for by conjugate gradients.

Reference: Sun, Cho, Wang, Hays, "Edge-based blur kernel estimation using patch priors", 2013,
sections 3 and 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.deblur._patch_atoms import ATOM_SIDE, patch_atoms

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

__all__ = ["drawn_patches", "restored_contrast", "solved", "with_sharp_edges"]

_SMOOTH = 2e-3
_ROUNDS = 2
_STEPS = 12
"""Of conjugate gradients; what is left is then below a hundredth of what was."""
_FEWEST = 16
"""Patches of an image, however small."""
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_OF_PHOTOS = (0.082, 0.151, 0.179, 0.198, 0.213, 0.226, 0.242, 0.261, 0.283, 0.313, 0.414)
"""Deciles, the ends included, of the standard deviation of a patch of 5 x 5 around one of the 2 %
strongest edges: of the luma of the twenty ImageNet photos in the package foolbox, which the paper
has of another set."""


def with_sharp_edges(
    whole: Tensor, blur: Blurring, weight: float, *, share: float, contrast: float
) -> Tensor:
    """Return the sharp image `[H', W']` of a blurred one on the domain of its blur.

    Args:
        whole: `[H', W']`, blurred.
        blur: Of it.
        weight: Of the patches.
        share: Of the pixels that have a patch around them.
        contrast: Part of the way to which it is drawn up to that of photos, where it is below.
    """
    base = blur.spectrum.abs() ** 2 + _SMOOTH * blur.roughness
    right = blur.transform(whole) * blur.spectrum.conj()
    sharp, right = blur.back(right / base), blur.back(right)
    seen = blur.unseen(whole.new_ones(()).expand_as(blur.seen(whole))) > 0
    for _ in range(_ROUNDS):
        count, total = wanted(sharp, seen, share, contrast)
        sharp = solved(right + weight * total, base, weight * count, blur, sharp)
    return sharp


def drawn_patches(patches: Tensor, contrast: float) -> Tensor:
    """Return for each patch `[M, 25]` the likest drawn one, with its mean and restored contrast."""
    import torch

    atoms = patch_atoms().to(patches)
    mean = patches.mean(1, keepdim=True)
    likeness = (patches - mean) @ atoms.T
    which = likeness.abs().argmax(1)
    sign = likeness.gather(1, which[:, None]).sign()
    spread = patches.std(1, correction=0)
    wanted = torch.lerp(spread, restored_contrast(spread), contrast)
    return mean + sign * wanted[:, None] * atoms[which]


def restored_contrast(spread: Tensor) -> Tensor:
    """Return contrasts `[M]` as they are distributed in photos, rank by rank, if that is more."""
    import torch

    deciles = spread.new_tensor(_OF_PHOTOS)
    ranks = spread.argsort(stable=True).argsort().to(spread)
    at = (ranks + 0.5) / len(spread) * (len(deciles) - 1)
    below = at.long()
    of_photos = torch.lerp(deciles[below], deciles[below + 1], at - below)
    return torch.maximum(spread, of_photos)


def solved(right: Tensor, base: Tensor, diagonal: Tensor, blur: Blurring, start: Tensor) -> Tensor:
    """Return x near (F' base F + diagonal) x = right, by preconditioned conjugate gradients.

    Args:
        right: `[H', W']`.
        base: `[H', W' // 2 + 1]`, above 0, in the transform F of the blur's domain.
        diagonal: `[H', W']`, not negative.
        blur: Whose domain it is.
        start: `[H', W']`.
    """
    inverse = 1 / (base + diagonal.mean())

    def eased(image: Tensor) -> Tensor:
        return blur.back(blur.transform(image) * inverse)

    def applied(image: Tensor) -> Tensor:
        return blur.back(blur.transform(image) * base) + diagonal * image

    return conjugate_gradients(applied, eased, right, start)


def conjugate_gradients(
    applied: Callable[[Tensor], Tensor],
    eased: Callable[[Tensor], Tensor],
    right: Tensor,
    start: Tensor,
    *,
    steps: int = _STEPS,
) -> Tensor:
    found, left = start, right - applied(start)
    way = easy = eased(left)
    size = (left * easy).sum()
    for _ in range(steps):
        if not size > 0:
            break
        turned = applied(way)
        step = size / (way * turned).sum()
        found, left = found + step * way, left - step * turned
        easy = eased(left)
        before, size = size, (left * easy).sum()
        way = easy + size / before * way
    return found


def wanted(sharp: Tensor, seen: Tensor, share: float, contrast: float) -> tuple[Tensor, Tensor]:
    """Return how many patches cover each pixel, and the sum of what they want there, `[H', W']`.

    Args:
        sharp: `[H', W']`.
        seen: Like it, true where the middle of a patch may be.
        share: Of the pixels that have a patch around them.
        contrast: Part of the way to which it is drawn up to that of photos, where it is below.
    """
    rows, columns = _around(_strongest(sharp, seen, share), sharp)
    patches = drawn_patches(sharp[rows, columns], contrast)
    zero = sharp.new_zeros(sharp.shape)
    count = zero.index_put((rows, columns), sharp.new_ones(()), accumulate=True)
    return count, zero.index_put((rows, columns), patches, accumulate=True)


def _strongest(sharp: Tensor, seen: Tensor, share: float) -> Tensor:
    """Return the numbers of the pixels with the longest slopes, of those that were seen."""
    import torch

    smooth = sharp
    for axis in (0, 1):
        rolled = [part * smooth.roll(by - 2, axis) for by, part in enumerate(_BINOMIAL)]
        smooth = sum(rolled[1:], rolled[0])
    length = sum(
        ((smooth.roll(-1, axis) - smooth.roll(1, axis)).square() for axis in (0, 1)),
        smooth.new_zeros(()),
    )
    allowed = int(seen.sum())
    count = min(allowed, max(_FEWEST, int(share * allowed)))
    return torch.where(seen, length, -1).flatten().topk(count).indices


def _around(pixels: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows and columns `[M, 25]` of the patches around pixels, round the border."""
    import torch

    height, width = image.shape
    at = torch.arange(ATOM_SIDE, device=image.device) - ATOM_SIDE // 2
    rows = (pixels // width)[:, None] + at.repeat_interleave(ATOM_SIDE)
    columns = (pixels % width)[:, None] + at.repeat(ATOM_SIDE)
    return rows % height, columns % width
