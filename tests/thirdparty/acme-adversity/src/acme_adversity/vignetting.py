"""Darkening towards the corners, as every simple lens does it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["CosineVignetting"]


class CosineVignetting(Degradation):
    """Darken an image towards its corners by the cosine-fourth law.

    A point whose ray makes the angle theta with the axis gets cos(theta) ** 4 of the light.
    The corner lies at `half_angle_deg`. Applied to the values as stored, not in linear light.

    Reference:
        W. J. Smith, "Modern Optical Engineering", 2000, section 6.7.
    """

    name: ClassVar[str] = "cosine_vignetting"
    reference: ClassVar[str] = "W. J. Smith, Modern Optical Engineering, 2000"
    differentiable: ClassVar[bool] = True
    levels: ClassVar = {"half_angle_deg": (20.0, 30.0, 40.0, 50.0, 60.0)}

    half_angle_deg: float | None = Field(default=None, gt=0, lt=90)

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return darker images, `[N, C, H, W]` float32 in [0, 1]; `rng` is not used."""
        import torch

        height, width = images.shape[-2:]
        rows = torch.arange(height, dtype=torch.float64) - (height - 1) / 2
        columns = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
        square = rows[:, None] ** 2 + columns[None, :] ** 2
        corner = max(float(square.max()), 1e-12)
        tangent = math.tan(math.radians(self.level("half_angle_deg")))
        # cos(theta) ** 4 = 1 / (1 + tan(theta) ** 2) ** 2, and tan(theta) grows with the radius.
        gain = 1 / (1 + square / corner * tangent**2) ** 2
        return images * gain.to(images)
