"""What a restoration found out of the degraded images: looked at, named, and looked up later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Restored
from adversity.contracts.side import side_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["as_restored", "found_before", "found_fault"]


def as_restored(answer: Tensor | Restored) -> Restored:
    """Return an answer of `restore` with what was found: nothing where images came alone."""
    return answer if isinstance(answer, Restored) else Restored(answer)


def found_fault(restored: Restored, images: Tensor) -> str | None:
    """Say what is wrong with what was found of images, or None."""
    for name, value in restored.found.items():
        if not isinstance(name, str) or not name.isidentifier():
            return f"expected names of letters, digits and _ for what it found, got {name!r}"
        fault = side_fault(name, value, images)
        if fault is not None:
            return fault.replace("side information", "what it found,", 1)
    return None


def found_before(need: str, side: Mapping[str, Tensor]) -> str | None:
    """Return the name in side information of what the nearest restoration before found, or None."""
    return next((name for name in reversed(list(side)) if name.endswith(f".{need}")), None)
