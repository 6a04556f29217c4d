"""Side information on its way: looked at when it is given, when it is needed, and when joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.side import AXES, side_fault
from adversity.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.contracts import Degraded
    from adversity.engine.calls.ready import Ready

__all__ = ["fault_of", "from_parameter", "joined", "require_need"]


def fault_of(degraded: Degraded) -> str | None:
    """Say what is wrong with the side information of degraded images, or None."""
    faults = (side_fault(name, value, degraded.images) for name, value in degraded.side.items())
    return next((fault for fault in faults if fault is not None), None)


def from_parameter(need: str, value: object, images: Tensor) -> Tensor:
    """Return a parameter as side information, the same for each image.

    A user writes a kernel or a mask as rows of numbers: the axis of length 1 is added.
    """
    import torch

    row = torch.as_tensor(value, dtype=torch.float32, device=images.device)
    missing = len(AXES.get(need, row.shape)) - row.ndim
    row = row[None] if missing == 1 else row
    return row.expand(len(images), *row.shape)


def require_need(ready: Ready, need: str, value: Tensor, origin: str, images: Tensor) -> None:
    """Refuse what does not fit the images, in words for whoever gave it.

    Args:
        ready: The restoration.
        need: What it needs.
        value: What it would get.
        origin: `parameter`, `side` or `estimate`.
        images: `[N, C, H, W]`.

    Raises:
        ParameterError: If a parameter is at fault.
        DataError: If side information is; a step in between may have changed the images' size.
        PluginError: If the plugin's own estimate is.
    """
    fault = side_fault(need, value, images)
    if fault is None:
        return
    if origin == "parameter":
        raise ParameterError(f"{ready.label}: {fault}; change its parameter {need!r}")
    if origin == "side":
        raise DataError(
            f"{ready.label}: {fault}; what the degradation said of itself holds only while the "
            "images keep their size: restore them before a step that changes it"
        )
    ready.broke(fault)


def joined(
    ready: Ready, names: Sequence[str], parts: Sequence[Sequence[Tensor]], ids: Sequence[str]
) -> list[Tensor]:
    """Join the answers to several blocks.

    Args:
        ready: The plugin.
        names: What each answer is, for messages.
        parts: For each block its answers, each `[n, ...]`.
        ids: The sample ids.

    Raises:
        PluginError: If blocks have answers of several shapes, as with kernels of two sizes.
    """
    import torch

    columns = list(zip(*parts, strict=True))
    for name, column in zip(names, columns, strict=False):  # no blocks have no columns
        shapes = list(dict.fromkeys(tuple(value.shape[1:]) for value in column))
        if len(shapes) > 1:
            ready.broke(
                f"expected {name} of one shape for images of one size, got rows of "
                f"{list(shapes[0])} and {list(shapes[1])}; pad the smaller with zeros to the "
                "largest that its parameters allow",
                ids,
            )
    return [torch.cat(column) for column in columns]
