"""Correlation with a kernel of any size, the image continued beyond its border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

__all__ = ["Padding", "continued", "correlated", "correlated_parts"]

Padding: TypeAlias = Literal["circular", "replicate", "reflect"]

_MODES: dict[Padding, Literal["wrap", "edge", "reflect"]] = {
    "circular": "wrap",
    "replicate": "edge",
    "reflect": "reflect",
}
"""What NumPy calls them; a mirror in front of a mirror continues as far as any kernel reaches."""


def continued(images: Tensor, reach: int, padding: Padding) -> Tensor:
    """Return the images with a border of `reach` pixels on all sides.

    Args:
        images: `[N, C, H, W]`.
        reach: In pixels; it may exceed the image.
        padding: `circular`: the opposite border follows. `replicate`: the border pixel goes on.
            `reflect`: mirrored, the border pixel not repeated.

    Returns:
        `[N, C, H + 2 reach, W + 2 reach]`.
    """
    import numpy as np
    import torch

    # Torch's own, many times as quick, has one mirror, and no fixed order of sums on other devices.
    if padding == "reflect" and reach < min(images.shape[2:]) and images.device.type == "cpu":
        return torch.nn.functional.pad(images, (reach,) * 4, mode="reflect")
    for axis in (2, 3):
        at = np.pad(np.arange(images.shape[axis]), reach, mode=_MODES[padding])
        images = images.index_select(axis, torch.from_numpy(at).to(images.device))
    return images


def correlated(images: Tensor, kernel: Tensor, padding: Padding) -> Tensor:
    """Correlate each channel with a kernel, by the Fourier transform.

    It goes round at the border of the continued image, which is cut away.

    Args:
        images: `[N, C, H, W]`.
        kernel: `[k, k]`, k odd.
        padding: As in `continued`.

    Returns:
        `[N, C, H, W]`.
    """
    return next(correlated_parts([images], kernel, padding))


def correlated_parts(parts: Iterable[Tensor], kernel: Tensor, padding: Padding) -> Iterator[Tensor]:
    """Correlate images of one size part by part; the kernel's transform is made once."""
    import torch

    reach, seen = len(kernel) // 2, None
    for images in parts:
        height, width = images.shape[2:]
        wide = continued(images, reach, padding)
        size = [_quick(side) for side in wide.shape[2:]]
        seen = torch.fft.rfft2(kernel.flip(0, 1), s=size) if seen is None else seen
        blurred: Tensor = torch.fft.irfft2(torch.fft.rfft2(wide, s=size) * seen, s=size)
        yield blurred[:, :, 2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width]


def _quick(side: int) -> int:
    """Return the next even number without a prime factor above 5."""
    side += side % 2
    rest = side
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    return side if rest == 1 else _quick(side + 2)
