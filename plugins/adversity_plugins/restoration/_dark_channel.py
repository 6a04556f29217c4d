"""The dark channel: in clear images, some value near each pixel is nearly black.

Where it is not, light was scattered into the view. What `dark_channel_prior` and `udcp` share.

Reference: He, Sun, Tang, "Single image haze removal using dark channel prior", 2011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration._box import guided_filter, local_minimum

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["airlight", "cleared", "dark_channel", "transmission"]

_BRIGHTEST = 0.001
"""Share of the pixels, those with the lightest dark channel, among which the airlight is."""
_BLACK = 1e-3
"""Least airlight by which values are divided."""


def dark_channel(images: Tensor, size: int) -> Tensor:
    """Return the least value of all channels in a window, `[N, 1, H, W]`."""
    return local_minimum(images.amin(1, keepdim=True), size)


def airlight(images: Tensor, dark: Tensor) -> Tensor:
    """Return the colour of the brightest among the haziest pixels (section 4.3).

    Args:
        images: `[N, C, H, W]`.
        dark: `[N, 1, H, W]`, their dark channel.

    Returns:
        `[N, C, 1, 1]`. Of pixels alike the first in reading order is taken.
    """
    pixels = images.flatten(2)
    count = max(1, int(_BRIGHTEST * pixels.shape[2]))
    haziness = dark.detach().flatten(1)
    haziest = haziness.sort(dim=1, descending=True, stable=True).indices[:, :count]
    haziest = haziest.sort(dim=1).values
    among = pixels.gather(2, haziest.unsqueeze(1).expand(-1, pixels.shape[1], -1))
    brightest = among.detach().sum(1).argmax(1).view(-1, 1, 1)
    return among.gather(2, brightest.expand(-1, pixels.shape[1], -1)).unsqueeze(3)


def transmission(
    images: Tensor, air: Tensor, guide: Tensor, *, omega: float, size: int, radius: int, eps: float
) -> Tensor:
    """Return how much light comes through, `[N, 1, H, W]`, refined along the guide's edges.

    Args:
        images: `[N, C, H, W]`, the channels that have a dark channel.
        air: `[N, C, 1, 1]`, the airlight in these.
        guide: `[N, C', H, W]`.
        omega: Share of the haze that is seen as haze (equation 12).
        size: Side of the windows of the dark channel, odd.
        radius: Of the guided filter; 0 leaves the map in blocks.
        eps: Of the guided filter.
    """
    coarse = 1 - omega * dark_channel(images / air.clamp(min=_BLACK), size)
    if radius == 0:
        return coarse
    return guided_filter(guide, coarse, radius=radius, eps=eps)


def cleared(images: Tensor, air: Tensor, through: Tensor, least: float) -> Tensor:
    """Return (images - air) / max(through, least) + air, not limited (equation 22)."""
    return (images - air) / through.clamp(min=least) + air
