"""Tikhonov regularisation: the image that is near the noisy one and has small differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._known_noise import KnownNoise

if TYPE_CHECKING:
    from torch import Tensor


class Tikhonov(KnownNoise):
    """Denoise by penalising the squared differences of neighbouring pixels.

        x = argmin |x - y|^2 + (sigma / contrast)^2 |grad x|^2

    in each channel, which is the most likely image if neighbours differ by a Gaussian of
    standard deviation `contrast`. The system is solved exactly by one FFT of the image
    mirrored at its borders, beyond which differences are 0. It blurs edges as much as noise:
    it is the line that any better method must pass.

    Reference: Tikhonov, "Solution of incorrectly formulated problems and the regularization
    method", 1963.
    """

    name: ClassVar[str] = "tikhonov"
    reference: ClassVar[str] = (
        "Tikhonov, Solution of incorrectly formulated problems and the regularization method, 1963"
    )

    contrast: float = Field(
        default=0.1,
        gt=0,
        le=10,
        description="standard deviation of the difference of neighbours, on the [0, 1] scale",
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        import torch

        height, width = image.shape[1:]
        whole = torch.cat([image, image.flip(-1)], dim=-1)
        whole = torch.cat([whole, whole.flip(-2)], dim=-2)
        down, right = (
            2 - 2 * torch.cos(math.pi * torch.arange(length, dtype=torch.float64) / count)
            for length, count in ((2 * height, height), (width + 1, width))
        )
        penalty = (sigma / self.contrast) ** 2 * (down[:, None] + right).to(image)
        spectrum = torch.fft.rfft2(whole) / (1 + penalty)
        return torch.fft.irfft2(spectrum, s=whole.shape[-2:])[:, :height, :width]  # type: ignore[no-any-return]
