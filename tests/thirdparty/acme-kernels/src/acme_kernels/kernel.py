"""The promise of a kernel: how a blur weighs neighbours."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from adversity.contracts import Kind, PluginBase

if TYPE_CHECKING:
    from torch import Tensor


class Kernel(PluginBase):
    """Weigh the neighbours of a pixel."""

    describes: ClassVar[Kind] = Kind(
        name="kernel",
        hook="adversity_kernels",
        noun="a kernel",
        kit="acme_kernels.kit",
    )

    @abstractmethod
    def weights(self) -> Tensor:
        """Return `[k]` float32 with k odd and a sum of 1, for rows and columns alike."""
