"""The contrast of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from acme_inspectors.inspector import Inspector

if TYPE_CHECKING:
    from torch import Tensor


class Contrast(Inspector):
    """Root-mean-square contrast: the standard deviation of an image's values."""

    name: ClassVar[str] = "contrast"
    reference: ClassVar[str] = "Peli, Contrast in complex images, 1990"
    licence: ClassVar[str] = "MIT"
    highest: ClassVar[float] = 0.5

    def inspect(self, images: Tensor) -> Tensor:
        """Return the standard deviation over channels, rows and columns."""
        return images.double().flatten(1).std(1, correction=0)
