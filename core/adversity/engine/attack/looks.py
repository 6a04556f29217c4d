"""Looks at single samples, each done once: a matrix over eps would repeat every one of them.

Whether a victim answers at random, or hides pixels, is a matter of the sample and the victim. The
budget of the attack that starts there changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Seen", "look_once"]

Seen = MutableMapping[str, bool]
"""By sample id, what a look at this start and this victim found."""


def look_once(
    ids: Sequence[str], index: Tensor, seen: Seen, look: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return what a look finds at some samples; it is done at those that nobody has looked at.

    Args:
        ids: Of all N samples.
        index: `[M]` int64, the samples in question.
        seen: What was found before; what is found now is added.
        look: From an index `[K]` to `[K]` bool, of each sample by itself.

    Returns:
        `[M]` bool.
    """
    import torch

    rows = index.tolist()
    new = [row for row in rows if ids[row] not in seen]
    if new:
        verdicts = look(torch.tensor(new)).tolist()
        seen.update((ids[row], bool(value)) for row, value in zip(new, verdicts, strict=True))
    return torch.tensor([seen[ids[row]] for row in rows], dtype=torch.bool)
