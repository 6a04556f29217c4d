"""What the adapters of ImageNet-C packages share: eight-bit images, one at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity import Degradation

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["HENDRYCKS", "Drawn", "Fixed", "PeerCorruption"]

HENDRYCKS = (
    "Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions and "
    "perturbations, 2019"
)
Drawn = Literal[
    "gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise",
    "glass_blur", "motion_blur", "fog", "frost", "snow", "spatter", "elastic_transform",
]  # fmt: skip
"""The corruptions of ImageNet-C that draw random numbers."""
Fixed = Literal[
    "defocus_blur", "gaussian_blur", "zoom_blur",
    "brightness", "contrast", "saturate", "jpeg_compression", "pixelate",
]  # fmt: skip
"""Those that do not."""


class PeerCorruption(Degradation):
    """Corruptions of ImageNet-C as another library computes them; a class adds `corruption`."""

    reference: ClassVar[str] = HENDRYCKS
    levels: ClassVar = {"strength": (1, 2, 3, 4, 5)}

    strength: int | None = Field(default=None, ge=1, le=5, description="the library's severity")

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Hand over each image as eight bits, RGB, under its own seed of NumPy's global state.

        The libraries take colour only: a grey image is repeated, and its first channel is
        what comes back.
        """
        import numpy as np
        import torch

        channels = images.shape[1]
        pixels = (images.expand(-1, 3, -1, -1) * 255).round().byte().permute(0, 2, 3, 1)
        rows = []
        for image, seed in zip(pixels.cpu().numpy(), rng.seeds(), strict=True):
            if self.stochastic:
                np.random.seed(int(seed))  # noqa: NPY002  (what the libraries draw from)
            worse = np.asarray(self.corrupt(image, int(self.level("strength"))))
            rows.append(torch.from_numpy(worse.astype(np.float32) / 255))
        return torch.stack(rows).permute(0, 3, 1, 2)[:, :channels].contiguous().to(images.device)

    @abstractmethod
    def corrupt(self, image: np.ndarray[Any, Any], severity: int) -> Any:
        """Call the library with an image `[H, W, 3]` uint8."""
