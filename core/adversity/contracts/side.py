"""The vocabulary of side information: names that everyone means alike, with their shapes.

A degradation gives them, a restoration needs them: float32, first axis N, one row an image. Any
other name is free, and between its two authors.

| name | shape | meaning |
|---|---|---|
| `sigma` | `[N]` | standard deviation of the noise, on the [0, 1] scale |
| `gain` | `[N]` | what the light was multiplied by |
| `kernel` | `[N, 1, k, k]` | what the image was correlated with; k is odd, the sum 1 |
| `mask` | `[N, 1, H, W]` | 1 where the image is known, 0 where it is not |
| `transmission` | `[N, 1, H, W]` | share of the light that comes through |
| `depth` | `[N, 1, H, W]` | distance |
| `airlight` | `[N, 3]` | colour of the haze |

Kernels of a batch may differ in size: the smaller ones are padded with zeros on all sides to
the largest, and a restoration gets each without such a border.

A step that changes the size of the images makes what was said of them before wrong, where it
is counted in pixels. Enlarged by a restoration, `mask` is repeated and `transmission` and
`depth` are interpolated bilinearly; behind a degradation, which may have cropped, they are
dropped. `sigma` and `kernel` are dropped behind either, `gain` and `airlight` stay. Of a free
name, what has the images' height and width is dropped, and all else stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AXES", "ENLARGED", "LASTING", "is_padded", "side_fault"]

AXES: dict[str, tuple[str, ...]] = {
    "sigma": (),
    "gain": (),
    "kernel": ("1", "k", "k"),
    "mask": ("1", "H", "W"),
    "transmission": ("1", "H", "W"),
    "depth": ("1", "H", "W"),
    "airlight": ("3",),
}
"""Axes of one row of each name."""
LASTING = frozenset({"gain", "airlight"})
"""What holds whatever becomes of the images' size."""
ENLARGED = {"mask": "nearest", "transmission": "bilinear", "depth": "bilinear"}
"""What grows with images that a restoration enlarges, and how it is interpolated."""


def is_padded(name: str) -> bool:
    """Say whether values of a name may differ in size within a batch, padded to the largest."""
    return "k" in AXES.get(name, ())


_SUM = 1e-4
"""How far a kernel's values may sum from 1: float32 sums of up to 1e5 terms round to about 1e-5."""


def side_fault(name: str, value: object, images: Tensor) -> str | None:
    """Say what is wrong with a value of side information, or None if nothing is.

    Args:
        name: Its name.
        value: Expected a finite tensor with a row for each image.
        images: `[N, C, H, W]`, those it belongs to.
    """
    import torch

    if not isinstance(value, torch.Tensor):
        return f"expected side information {name!r} as a tensor, got {type(value).__name__}"
    rows, shape = len(images), list(value.shape)
    if not shape or shape[0] != rows:
        return f"expected side information {name!r} with {rows} rows, got shape {shape}"
    if not bool(value.isfinite().all()):
        return f"expected finite side information {name!r}, got NaN or infinity"
    return _known_fault(name, value, images) if name in AXES else None


def _known_fault(name: str, value: Tensor, images: Tensor) -> str | None:
    """Say what is wrong with a value whose name is in the vocabulary, or None."""
    import torch

    if value.dtype != torch.float32:
        return f"expected side information {name!r} as float32, got {value.dtype}; write .float()"
    axes, shape = AXES[name], list(value.shape)
    height, width = images.shape[2:]
    size = shape[-1]
    letters = {"1": 1, "3": 3, "k": size, "H": height, "W": width}
    if shape[1:] != [letters[axis] for axis in axes] or (name == "kernel" and size % 2 == 0):
        spelt = f"[{', '.join(('N', *axes))}]" + (" with odd k" if name == "kernel" else "")
        return (
            f"expected side information {name!r} of shape {spelt} for images of "
            f"{height} x {width} (height x width), got {shape}"
        )
    if name == "kernel":
        total = value.double().sum(dim=(1, 2, 3))
        worst = float(total[(total - 1).abs().argmax()])
        if abs(worst - 1) > _SUM:
            return f"expected kernels that sum to 1, got {worst:.6g}"
    return None
