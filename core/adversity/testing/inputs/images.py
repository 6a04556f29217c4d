"""Images the kit chooses: structured, never flat noise, of several sizes, and extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.public.in_memory import TensorRows
from adversity.shapes import GREY_AND_COLOUR
from adversity.testing.bench.bench import Case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


__all__ = ["ImageRows", "image_cases", "most_tried", "scene", "scenes"]


def scene(index: int, channels: int, height: int, width: int) -> Tensor:
    """Draw one image: a soft gradient, a bright disc, a dark bar and fine texture.

    Args:
        index: Which; the same number gives the same image.
        channels: C.
        height: In pixels.
        width: In pixels.

    Returns:
        `[C, H, W]` float32 in [0, 1].
    """
    import numpy as np
    import torch

    draw = np.random.Generator(np.random.Philox(key=index))
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    layers = []
    for _ in range(channels):
        slope, phase = draw.uniform(-0.4, 0.4, 2), draw.uniform(0, 6.28)
        layers.append(0.45 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5))
        layers[-1] = layers[-1] + 0.06 * np.sin(40 * (x + y) + phase)
    image = np.stack(layers)
    cy, cx, radius = draw.uniform(0.25, 0.6), draw.uniform(0.25, 0.6), draw.uniform(0.12, 0.25)
    disc = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    image[:, disc] = draw.uniform(0.75, 0.95, (channels, 1))
    left = draw.uniform(0.05, 0.7)
    bar = (x > left) & (x < left + 0.12)
    image[:, bar] = draw.uniform(0.05, 0.25, (channels, 1))
    return torch.from_numpy(image.clip(0.02, 0.98).astype(np.float32))


def scenes(count: int, channels: int, height: int, width: int, *, first: int = 0) -> Tensor:
    """Draw several images, `[count, C, H, W]`."""
    import torch

    return torch.stack([scene(first + k, channels, height, width) for k in range(count)])


def most_tried(claimed: Sequence[int] | None) -> int:
    """Return the channels that a plugin is mostly tried on: 3 where it takes colour.

    Args:
        claimed: Its `image_channels`.
    """
    return 3 if claimed is None or 3 in claimed else claimed[0]


def image_cases(
    claimed: Sequence[int] | None = GREY_AND_COLOUR, *, smallest: int = 1
) -> tuple[Case, ...]:
    """Return what image plugins are fed: odd sizes, each claimed channel count, flat extremes.

    Args:
        claimed: A plugin's `image_channels`; one that takes any number is tried on 5 as well.
        smallest: The smallest side that it takes; where it is above 32 all sides are longer by what
            is missing.
    """
    import torch

    most, tried = most_tried(claimed), (1, 3, 5) if claimed is None else claimed
    more = max(0, smallest - 32)
    side = 32 + more
    flat = torch.tensor([0.0, 1.0, 0.5])[:, None, None, None].expand(3, most, side, side)
    cases = [
        (5, 3, "colour images", (40, 32), 0),
        (3, 1, "grey images", (33, 47), 10),
        (2, 3, "colour images", (64, 64), 20),
    ]
    cases += [
        (3, count, f"images of {count} channels", (36, 44), 30 + count)
        for count in tried
        if count not in GREY_AND_COLOUR
    ]
    return (
        *(
            _case(
                f"{what} of {height + more} x {width + more}",
                scenes(number, count, height + more, width + more, first=first),
            )
            for number, count, what, (height, width), first in cases
            if count in tried
        ),
        _case(f"flat images (black, white, grey) of {side} x {side}", flat.clone()),
    )


def _case(what: str, images: Tensor) -> Case:
    ids = tuple(f"kit/{what[:4]}-{k}" for k in range(len(images)))
    return Case(f"{len(images)} {what}", {"images": images}, ids)


class ImageRows(TensorRows):
    """Images as a stream for fitting, all of one class, with their clean partners."""

    def __init__(
        self,
        images: Tensor,
        references: Tensor | None = None,
        side: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Take images `[N, C, H, W]` and clean ones; without them the images are clean."""
        import torch

        labels = torch.zeros(len(images), dtype=torch.int64)
        clean = images if references is None else references
        super().__init__(labels, ("image",), images=images, references=clean, side=side)
