"""Images on their way through a chain, with what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


__all__ = ["ImageBatch"]


@dataclass(frozen=True, slots=True)
class ImageBatch:
    """Images of one size at some step.

    Attributes:
        ids: N sample ids.
        images: `[N, C, H, W]` float32 in [0, 1].
        clean: The clean images, of their own size: the data set's references where it has pairs,
            else what the images were before the first degradation or attack. None before that:
            nobody knows whether a data set's images are clean, so they are not compared with
            themselves. None behind it too where they may not stand for clean ones.
        side: Side information so far, each with first axis N.
        origin: Column to value: where each need of a restoration came from.
        starts_clean: Whether the data set's images may stand for clean ones.
        found: What restorations found so far, under `STEP.NAME`, each with first axis N.
    """

    ids: tuple[str, ...]
    images: Tensor
    clean: Tensor | None
    side: dict[str, Tensor]
    origin: dict[str, str]
    starts_clean: bool = True
    found: dict[str, Tensor] = field(default_factory=dict)

    @property
    def comparable(self) -> bool:
        """Whether there are clean images of the same shape."""
        return self.clean is not None and self.images.shape == self.clean.shape

    def worsened(self, images: Tensor) -> ImageBatch:
        """Return the batch with what a degradation or an attack made of its images."""
        clean = self.images if self.clean is None and self.starts_clean else self.clean
        return replace(self, images=images, clean=clean)
