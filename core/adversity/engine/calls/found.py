"""What a restoration found out of the degraded images: looked at, and looked up later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Restored
from adversity.engine.calls.side import said_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["as_restored", "found_before", "found_fault", "without_found"]


def as_restored(answer: Tensor | Restored) -> Restored:
    """Return an answer of `restore` with what was found: nothing where images came alone."""
    return answer if isinstance(answer, Restored) else Restored(answer)


def found_fault(restored: Restored, images: Tensor) -> str | None:
    """Say what is wrong with what was found of images, or None."""
    import torch

    fault = said_fault(restored.found, images, "what it found")
    if fault is not None:
        return fault
    for name, value in restored.found.items():
        if value.dtype != torch.float32:
            return f"expected what it found {name!r} as float32, got {value.dtype}; write .float()"
    return None


def found_before(need: str, side: Mapping[str, Tensor]) -> str | None:
    """Return the name in side information of what the nearest restoration before found, or None."""
    return next((name for name in reversed(list(side)) if name.endswith(f".{need}")), None)


def without_found(side: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what degradations said: what was found before one is not about what it gives."""
    return {name: value for name, value in side.items() if "." not in name}
