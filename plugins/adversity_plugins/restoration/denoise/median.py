"""The median filter: outliers leave no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from adversity import Restoration
from adversity_plugins.restoration.denoise._windows import neighbours, require_odd

if TYPE_CHECKING:
    from torch import Tensor


class Median(Restoration):
    """Replace every value by the median of the window around it, in each channel.

    The filter against salt and pepper: outliers are gone while they are fewer than half of the
    window, and edges stay sharp. Lines thinner than half the window are gone, too. Beyond the
    border the image is mirrored.

    Not differentiable here, for values tie in real images; the backward pass sees the mean of
    the window, which is what the median's gradient is on average over noise.

    Reference: Tukey, "Exploratory data analysis", 1977.
    """

    name: ClassVar[str] = "median"
    reference: ClassVar[str] = "Tukey, Exploratory data analysis, 1977"
    restores: ClassVar[tuple[str, ...]] = ("impulse_noise", "gaussian_noise")

    window_size: int = Field(default=3, ge=3, le=31, description="side of the window, odd")

    @field_validator("window_size")
    @classmethod
    def _window_has_a_centre(cls, value: int) -> int:
        return require_odd("window_size", value)

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return filtered images."""
        import torch

        windows = (
            torch.stack([near for *_, near in neighbours(image.detach(), self.window_size)])
            for image in images
        )
        return torch.stack([window.median(dim=0).values for window in windows])

    def surrogate(self, images: Tensor) -> Tensor:
        """Return the means of the windows."""
        import torch

        count = self.window_size**2
        return torch.stack(
            [
                sum((near for *_, near in neighbours(image, self.window_size)), image * 0) / count
                for image in images
            ]
        )
