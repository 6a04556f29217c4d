"""Side information on its way: looked at when it is given, when it is needed, and when joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adversity.contracts.side import AXES, LASTING, side_fault
from adversity.engine.calls.side_sizes import of_one_size
from adversity.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["from_parameter", "joined", "require_need", "said_fault", "unfilled"]


def said_fault(said: object, images: Tensor, what: str = "side information") -> str | None:
    """Say what is wrong with what a plugin says of images, or None.

    Args:
        said: Expected named tensors, each with a row for each image.
        images: `[N, C, H, W]`.
        what: It, in words.
    """
    if not isinstance(said, Mapping):
        return f"expected {what} as tensors by name, got {type(said).__name__}"
    for name, value in said.items():
        if not isinstance(name, str) or not name.isidentifier():
            return f"expected names of letters, digits and _ for {what}, got {name!r}"
        fault = side_fault(name, value, images)
        if fault is not None:
            return fault.replace("side information", what, 1)
    return None


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
        origin: `parameter`, `side`, `estimate`, or what an earlier restoration found.
        images: `[N, C, H, W]`.

    Raises:
        ParameterError: If a parameter is at fault.
        DataError: If side information is.
        PluginError: If the plugin's own estimate is.
    """
    fault = side_fault(need, value, images)
    if fault is None:
        return
    if origin == "parameter":
        raise ParameterError(f"{ready.label}: {fault}; change its parameter {need!r}")
    if origin != "estimate":
        raise DataError(
            f"{ready.label}: {fault}; it came as {'side information' if origin == 'side' else origin}"
            ": give it what belongs to these images"
        )
    ready.broke(fault)


def unfilled(ready: Ready, need: str) -> str:
    """Say that nothing fills a need, and what may have taken it away."""
    text = (
        f"{ready.label} needs {need!r}: expected it as a parameter, from the degradation's side "
        "information, from the plugin's own estimate, or found by a restoration since the last "
        f"degradation, and got none of them; give `with: {{{need}: ...}}`."
    )
    if need in AXES and need not in LASTING:
        text += (
            f" What a degradation said of {need!r} does not outlast a later step that changes the "
            "size of the images: restore them before it."
        )
    return text


def joined(
    ready: Ready, names: Sequence[str], parts: Sequence[Sequence[Tensor]], ids: Sequence[str]
) -> list[Tensor]:
    """Join the answers to several blocks; kernels of several sizes are padded to the largest.

    Args:
        ready: The plugin.
        names: What each answer is, for messages.
        parts: For each block its answers, each `[n, ...]`.
        ids: The sample ids.

    Raises:
        PluginError: If blocks have answers of several shapes.
    """
    import torch

    columns: list[list[Tensor] | tuple[Tensor, ...]] = list(zip(*parts, strict=True))
    for number, name in enumerate(names[: len(columns)]):
        columns[number] = of_one_size(name, columns[number])
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
