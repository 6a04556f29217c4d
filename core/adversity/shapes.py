"""Shape letters, and the one place where tensors are checked against them.

N samples, C channels, H height, W width, K classes, D features, M members.
Images are `[N, C, H, W]` float32 in [0, 1], C = 1 (grey) or 3 (RGB), or what a plugin claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "GREY_AND_COLOUR",
    "channels_fault",
    "image_fault",
    "like",
    "probability_rows",
    "probs_fault",
    "rows_fault",
    "scale_fault",
    "sets_fault",
]

GREY_AND_COLOUR = (1, 3)
"""The channels of images, unless a plugin claims others."""

ROUNDED = 1e-4
"""How far probabilities may sum from 1: float32 sums of up to 1e5 terms round to about 1e-5."""


def channels_fault(claimed: Sequence[int] | None, given: int) -> str | None:
    """Say that images have a number of channels that is not claimed, or None.

    Args:
        claimed: `image_channels` of a plugin; None for any.
        given: C of the images.

    Example:
        >>> channels_fault((1, 3), 12)
        'takes images of 1 or 3 channels, got 12'
        >>> channels_fault(None, 12) is channels_fault((12,), 12) is None
        True
    """
    if claimed is None or given in claimed:
        return None
    return f"takes images of {_either(claimed)} channels, got {given}"


def like(channels: int) -> tuple[int, ...]:
    """Return the channels that an answer to images may have: the same, but grey may get colours."""
    return GREY_AND_COLOUR if channels in GREY_AND_COLOUR else (channels,)


def _counts(images: Tensor, channels: Sequence[int] | None) -> bool:
    """Say whether C is right; where any is, images of width 1 or 3 have their channels last."""
    count, width = images.shape[1], images.shape[3]
    if channels is None:
        return count in GREY_AND_COLOUR or width not in GREY_AND_COLOUR
    return count in channels


def _either(numbers: Sequence[int]) -> str:
    return " or ".join(map(str, numbers))


def image_fault(
    images: object, *, rows: int | None = None, channels: Sequence[int] | None = GREY_AND_COLOUR
) -> str | None:
    """Say what is wrong with a batch of images, or None if nothing is.

    Args:
        images: Expected `[N, C, H, W]` float32 in [0, 1], finite.
        rows: Expected N, or None for any.
        channels: Expected C, one of these, or None for any.
    """
    import torch

    if not isinstance(images, torch.Tensor):
        return f"expected a tensor [N, C, H, W], got {type(images).__name__}; use torch.as_tensor"
    if images.ndim == 4 and not len(images):
        return f"expected at least one image, got none: {list(images.shape)}"
    if images.ndim != 4 or 0 in images.shape[1:] or not _counts(images, channels):
        with_c = "" if channels is None else f" with C = {_either(channels)}"
        return (
            f"expected shape [N, C, H, W]{with_c}, got {list(images.shape)}"
            f"{_axes_advice(images, channels or GREY_AND_COLOUR)}"
        )
    if rows is not None and images.shape[0] != rows:
        return f"expected {rows} images, got {images.shape[0]}"
    if images.dtype != torch.float32:
        return f"expected float32, got {images.dtype}{_type_advice(images)}"
    return scale_fault(images)


def scale_fault(values: Tensor) -> str | None:
    """Say what is wrong with the values of images, expected floating-point in [0, 1], or None."""
    import torch

    if not values.is_floating_point():
        return f"expected values in [0, 1], got {values.dtype}{_type_advice(values)}"
    low, high = (float(end) for end in torch.aminmax(values.detach()))
    if low >= 0.0 and high <= 1.0:  # NaN is neither
        return None
    if not bool(values.isfinite().all()):
        return "expected finite values, got NaN or infinity"
    advice = ""
    if low >= 0 and 2 < high <= 255:
        advice = "; divide by 255 if they are on the scale 0 to 255"
    elif -1 <= low < -0.5 and high <= 1:
        advice = "; take (images + 1) / 2 if they are on the scale -1 to 1"
    return f"expected values in [0, 1], got {low:.9g} .. {high:.9g}{advice}"


def _type_advice(images: Tensor) -> str:
    import torch

    if images.dtype == torch.uint8:
        return "; write images.float() / 255"
    return "; write images.float()" if images.is_floating_point() else ""


def _axes_advice(images: Tensor, channels: Sequence[int]) -> str:
    if images.ndim == 3 and images.shape[0] in channels:
        return "; write images[None] for one image"
    if images.ndim == 4 and images.shape[3] in channels:
        return "; write images.permute(0, 3, 1, 2) if the channels come last"
    return ""


def rows_fault(
    values: object, *, rows: int, columns: int | None = None, finite: bool = True
) -> str | None:
    """Say what is wrong with per-sample values `[N]` or `[N, K]`, or None.

    Args:
        values: Expected a floating-point tensor.
        rows: Expected N.
        columns: Expected K; None means the values are `[N]`; 0 means any K >= 1.
        finite: Whether NaN and infinity are faults.
    """
    import torch

    if not isinstance(values, torch.Tensor):
        return f"expected a tensor, got {type(values).__name__}"
    expected = f"[{rows}]" if columns is None else f"[{rows}, {columns or 'K'}]"
    fits = values.ndim == (1 if columns is None else 2) and values.shape[0] == rows
    if fits and columns is not None:
        fits = values.shape[1] == (columns or max(values.shape[1], 1))
    if not fits:
        return f"expected shape {expected}, got {list(values.shape)}"
    if not values.is_floating_point():
        return f"expected floating-point values, got {values.dtype}"
    if finite and not bool(values.isfinite().all()):
        return "expected finite values, got NaN or infinity"
    return None


def probability_rows(values: Tensor) -> Tensor:
    """Return `[N]` bool: no value of the row is below 0, and they sum to 1.

    Logits seldom do by chance: the sum of one row in thousands comes as near to 1.
    """
    total = values.double().sum(1)
    return (values >= 0).all(1) & ((total - 1).abs() <= ROUNDED)


def sets_fault(sets: object, shape: tuple[int, ...], what: str = "sets") -> str | None:
    """Say what is wrong with prediction sets, expected `[N, K]` bool of this shape, or None.

    Args:
        sets: What came.
        shape: Expected; `[N]` where something else is decided of each answer.
        what: That, for the message.
    """
    import torch

    if not isinstance(sets, torch.Tensor):
        return f"expected a tensor of {what}, got {type(sets).__name__}"
    if tuple(sets.shape) != tuple(shape):
        return f"expected {what} of shape {list(shape)}, got {list(sets.shape)}"
    if sets.dtype != torch.bool:
        return f"expected {what} as bool, got {sets.dtype}; compare with a threshold"
    return None


def probs_fault(probs: Tensor) -> str | None:
    """Say what is wrong with rows of probabilities `[N, K]`, or None."""
    low, total = float(probs.min()), probs.double().sum(1)
    if low < 0 or float((total - 1).abs().max()) > ROUNDED:
        return f"expected rows of probabilities that sum to 1, got a sum of {float(total[0]):.6g}"
    return None
