"""What corruptions cannot cost less than: their draws and library calls alone, in a bare loop.

Of the profile `fast`, whose bytes are fixed: the numbers that are drawn for each sample, and the
calls of torch or Pillow that make the values, at severity 3. What a corruption takes beside that
is ours. Where a corruption is no more than a few sums there is no such call, and no floor.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from adversity import SampleRng

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["floors"]

_TURNS = 5
_FFT = (240, 240)


def floors(images: torch.Tensor) -> dict[str, float]:
    """Return the least CPU seconds an image of `[N, 3, H, W]`, by corruption."""
    seconds = {}
    for name, call in _CALLS.items():
        best = float("inf")
        for _ in range(_TURNS):
            ids = [str(row) for row in range(len(images))]
            streams = [SampleRng(seed=0, step="floor", ids=[one]) for one in ids]
            start = time.process_time()
            for row, rng in enumerate(streams):
                call(images[row : row + 1], rng)
            best = min(best, time.process_time() - start)
        seconds[name] = best / len(images)
    return seconds


def _taps(planes: torch.Tensor, count: int) -> None:
    """Add up so many weighted images, as blurs do whose kernels have few taps."""
    total = planes * 0.5
    for _ in range(count - 1):
        total.add_(planes, alpha=0.5)


def _zoomed(image: torch.Tensor, _: SampleRng) -> None:
    height, width = image.shape[2:]
    for step in range(1, 11):
        rows, columns = (int(side / (1 + 0.02 * step)) + 1 for side in (height, width))
        functional.interpolate(
            image[..., :rows, :columns], size=(height, width), mode="bilinear", align_corners=True
        )


def _stored(image: torch.Tensor, _: SampleRng) -> None:
    file = io.BytesIO()
    pixels = (image[0] * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=15)
    np.asarray(Image.open(file))


def _sampled(image: torch.Tensor, rng: SampleRng) -> None:
    grid = rng.uniform((*image.shape[2:], 2))
    for _ in range(2):
        functional.grid_sample(image, grid, padding_mode="reflection", align_corners=False)


def _shuffled(image: torch.Tensor, rng: SampleRng) -> None:
    height, width = image.shape[2:]
    rng.integers(0, 16, (3, (height - 4) * (width - 4)))
    for _ in range(4):
        _taps(image, 9)


def _filtered(image: torch.Tensor, _: SampleRng) -> None:
    torch.fft.irfft2(torch.fft.rfft2(image, s=_FFT), s=_FFT)


def _smeared(image: torch.Tensor, _: SampleRng) -> None:
    _taps(image, 31)


def _smoothed(image: torch.Tensor, _: SampleRng) -> None:
    _taps(image, 25)
    _taps(image, 25)


def _snowed(image: torch.Tensor, rng: SampleRng) -> None:
    rng.normal((1, image.shape[2] // 4, image.shape[3] // 4))
    _taps(image[:, :1], 25)


def _dropped(image: torch.Tensor, rng: SampleRng) -> None:
    noise = rng.normal((1, *image.shape[2:]))
    _taps(noise, 17)
    _taps(noise, 17)


def _normal(image: torch.Tensor, rng: SampleRng) -> None:
    rng.normal(image.shape[1:])


def _uniform(image: torch.Tensor, rng: SampleRng) -> None:
    rng.uniform(image.shape[1:])


def _clouded(image: torch.Tensor, rng: SampleRng) -> None:
    rng.uniform(((1 << (max(image.shape[2:]) - 1).bit_length()) ** 2 - 1,))


_CALLS: dict[str, Callable[[torch.Tensor, SampleRng], Any]] = {
    "gaussian_noise": _normal,
    "shot_noise": _uniform,
    "impulse_noise": _uniform,
    "defocus_blur": _filtered,
    "glass_blur": _shuffled,
    "motion_blur": _smeared,
    "zoom_blur": _zoomed,
    "snow": _snowed,
    "fog": _clouded,
    "elastic_transform": _sampled,
    "jpeg_compression": _stored,
    "speckle_noise": _normal,
    "gaussian_blur": _smoothed,
    "spatter": _dropped,
}
