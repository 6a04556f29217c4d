"""Missing pixels filled in turns: patches coded by few atoms, known pixels put back.

Reference: Fadili, Starck, Murtagh, "Inpainting and zooming using sparse representations", 2009:
what is missing is imputed by what is coded, and coded again under a falling threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._dictionary import overcomplete_cosines, pursued
from adversity_plugins.restoration.denoise._mirror import mirrored
from adversity_plugins.restoration.denoise._sliding import SIDE

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["levels", "refilled"]


def levels(first: float, last: float, rounds: int) -> list[float]:
    """Return so many levels that fall from the first to the last, each by the same share."""
    steps = max(rounds - 1, 1)
    return [first * (last / first) ** (turn / steps) for turn in range(rounds)]


def refilled(planes: Tensor, known: Tensor, level: float) -> Tensor:
    """Return planes whose missing pixels are the means of all coded patches that show them.

    Patches of 8 x 8 without a missing pixel are not coded: what they say is known. Means of
    patches are taken out before and put back after. Beyond the border the image is mirrored.

    Args:
        planes: `[C, H, W]`, missing pixels filled with something.
        known: `[H, W]` bool.
        level: What a patch may be off, root mean square.
    """
    import torch
    from torch.nn.functional import fold, unfold

    around = SIDE - 1
    holed = unfold(mirrored((~known).to(planes), around, around)[None, None], SIDE)[0].amax(0) > 0
    columns = unfold(mirrored(planes, around, around).unsqueeze(1), SIDE)[:, :, holed]
    means = columns.mean(1, keepdim=True)
    patches = (columns - means).mT.flatten(0, 1).contiguous()
    left = pursued(patches, overcomplete_cosines(planes), level**2 * SIDE**2)[1]
    coded = columns - left.reshape(columns.mT.shape).mT
    height, width = planes.shape[1:]
    size = (height + 2 * around, width + 2 * around)
    whole = planes.new_zeros(len(planes), SIDE**2, len(holed))
    whole[:, :, holed] = coded
    counts = torch.zeros_like(whole[:1])
    counts[:, :, holed] = 1
    inner = (..., slice(around, around + height), slice(around, around + width))
    sums, shown = (fold(part, size, SIDE)[inner][:, 0] for part in (whole, counts))
    return torch.where(known, planes, sums / shown.clamp(min=1))
