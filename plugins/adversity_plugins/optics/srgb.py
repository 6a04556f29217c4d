"""The sRGB transfer function: from image values to light and back.

Light adds up, image values do not: exposure, shot noise, haze and motion are modelled in
linear light.

Reference: IEC 61966-2-1, "Default RGB colour space - sRGB", 1999.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["linear_to_srgb", "srgb_to_linear"]


def srgb_to_linear(values: Tensor) -> Tensor:
    """Decode image values to linear light, exactly as the standard's two pieces say.

    Args:
        values: Any shape, in [0, 1].

    Returns:
        The same shape and dtype, in [0, 1].
    """
    import torch

    curve = ((values + 0.055) / 1.055) ** 2.4
    return torch.where(values <= 0.04045, values / 12.92, curve)


def linear_to_srgb(light: Tensor) -> Tensor:
    """Encode linear light as image values; the inverse of `srgb_to_linear`.

    Args:
        light: Any shape, in [0, 1].

    Returns:
        The same shape and dtype, in [0, 1].
    """
    import torch

    # The power's slope at 0 is infinite; the floor keeps it out of the branch not taken.
    curve = 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, curve)
