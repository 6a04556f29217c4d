"""Blur as a linear operator: forward, adjoint, and the transforms in which it is a product.

With C the circular correlation with the kernel and M the part of it that was seen, the image y is
M C x. A circular image is seen whole. Of any other image, x reaches beyond the border by as much
as the kernel does, and what is there is not known: C goes round far enough outside that none of
it is seen, and nothing is assumed of the border.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Blurring", "slopes", "slopes_back"]


class Blurring:
    """Correlation with a kernel, on the domain where it goes round.

    Attributes:
        size: Height and width of the domain, `[H', W']`.
        spectrum: `[H', W' // 2 + 1]`, complex: the transform of C.
        roughness: Like it, real: the squared length of the differences of neighbours, those
            across the border of the domain included.
    """

    def __init__(self, kernel: Tensor, height: int, width: int, *, circular: bool) -> None:
        """Take `[k, k]`, k odd, and the size of the images that are seen."""
        import torch
        from scipy.fft import next_fast_len

        reach = len(kernel) // 2
        self._seen = (height, width)
        self._border = 0 if circular else reach
        self.size = (
            (height, width)
            if circular
            else (next_fast_len(height + 2 * reach), next_fast_len(width + 2 * reach))
        )
        rows, columns = (
            (torch.arange(-reach, reach + 1, device=kernel.device) % side) for side in self.size
        )
        placed = kernel.new_zeros(self.size)
        at = (rows[:, None].expand_as(kernel), columns.expand_as(kernel))
        placed = placed.index_put(at, kernel, accumulate=True)  # a kernel may be the larger one
        self.spectrum: Tensor = torch.fft.rfft2(placed).conj().resolve_conj()
        self.roughness = _roughness(self.size, kernel)

    def spread(self, images: Tensor) -> Tensor:
        """Return C x, `[..., H', W']`."""
        return self.back(self.transform(images) * self.spectrum)

    def gathered(self, images: Tensor) -> Tensor:
        """Return the adjoint of `spread`."""
        return self.back(self.transform(images) * self.spectrum.conj())

    def seen(self, images: Tensor) -> Tensor:
        """Return M, the part `[..., H, W]` of the domain that the image shows."""
        border, (height, width) = self._border, self._seen
        return images[..., border : border + height, border : border + width]

    def unseen(self, images: Tensor) -> Tensor:
        """Return the adjoint of `seen`: `[..., H', W']`, 0 where nothing was seen."""
        from torch.nn.functional import pad

        border, (height, width) = self._border, self._seen
        below, right = self.size[0] - height - border, self.size[1] - width - border
        return pad(images, (border, right, border, below))

    def completed(self, images: Tensor, around: Tensor) -> Tensor:
        """Return `[..., H', W']`: the images where they were seen, and what is around them."""
        return self.unseen(images) + around - self.unseen(self.seen(around))

    def continued(self, images: Tensor) -> Tensor:
        """Return `[..., H', W']`: the images, and straight lines from each border to the opposite."""
        import torch

        for axis, size in ((-2, self.size[0]), (-1, self.size[1])):
            count = images.shape[axis]
            shape = [size - count, 1] if axis == -2 else [1, size - count]
            share = (torch.arange(1, size - count + 1).to(images) / (size - count + 1)).view(shape)
            first, last = images.narrow(axis, 0, 1), images.narrow(axis, count - 1, 1)
            between = last + share * (first - last)
            images = torch.cat([images, between], axis).roll(self._border, axis)
        return images

    def transform(self, images: Tensor) -> Tensor:
        """Return the transform of `[..., H', W']`."""
        import torch

        spectrum: Tensor = torch.fft.rfft2(images)
        return spectrum

    def back(self, spectrum: Tensor) -> Tensor:
        """Return `[..., H', W']` of a transform."""
        import torch

        images: Tensor = torch.fft.irfft2(spectrum, s=self.size)
        return images


def slopes(images: Tensor) -> Tensor:
    """Return the differences down and right, `[2, ..., H, W]`, round the border."""
    import torch

    return torch.stack([images.roll(-1, axis) - images for axis in (-2, -1)])


def slopes_back(field: Tensor) -> Tensor:
    """Return the adjoint of `slopes`."""
    down, right = field[0], field[1]
    return down.roll(1, -2) - down + right.roll(1, -1) - right


def _roughness(size: tuple[int, int], like: Tensor) -> Tensor:
    import math

    import torch

    height, width = size
    down, right = (
        2 - 2 * torch.cos(2 * math.pi * torch.arange(length, dtype=torch.float64) / count)
        for length, count in ((height, height), (width // 2 + 1, width))
    )
    return (down[:, None] + right).to(like)
