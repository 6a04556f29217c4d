"""A blur with a kernel of the user's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from acme_kernels.kernel import Kernel
from adversity import Degradation, Plugin, clip

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class Soften(Degradation):
    """Weigh the neighbours of each pixel, rows and columns, mirrored at the edge."""

    name: ClassVar[str] = "soften"
    licence: ClassVar[str] = "MIT"
    differentiable: ClassVar[bool] = True
    examples: ClassVar[tuple[dict[str, object], ...]] = ({"kernel": "binomial"},)
    kernel: Plugin[Kernel]

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Convolve with the outer product of the kernel's weights."""
        from torch.nn import functional

        row = self.kernel.weights().to(images)
        half = len(row) // 2
        padded = functional.pad(images, [half] * 4, mode="reflect").flatten(0, 1)[:, None]
        soft = functional.conv2d(padded, (row[:, None] * row)[None, None])
        return clip(soft.reshape(images.shape))
