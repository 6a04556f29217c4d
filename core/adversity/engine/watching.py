"""What an attack cost, and which query solved a sample: seen by the core, not told by the attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.engine.budget import allowed, distances

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Counts", "Watch"]


class Counts:
    """What an attack cost each sample, and whether its gradient ever was not zero.

    Attributes:
        queries, gradients: `[N + 1]` int64; the last counts padding rows and is thrown away.
        felt: `[N + 1]` bool.
    """

    def __init__(self, rows: int) -> None:
        """Start at zero."""
        import torch

        self.queries = torch.zeros(rows + 1, dtype=torch.int64)
        self.gradients = torch.zeros(rows + 1, dtype=torch.int64)
        self.felt = torch.zeros(rows + 1, dtype=torch.bool)

    def go_on(self, queries: Tensor, gradients: Tensor, felt: Tensor) -> None:
        """Start at what an earlier round cost the samples, `[N]` each."""
        self.queries[:-1], self.gradients[:-1], self.felt[:-1] = queries, gradients, felt


@dataclass(frozen=True, slots=True)
class Watch:
    """Notes the query with which each sample was first solved.

    A query counts where it asks about an image in the box [0, 1], within the attack's budget,
    whose answer is what the attack wants. Rows are the target's slots.

    Attributes:
        images: `[N, C, H, W]`, what the attack starts from.
        labels: `[N]` int64, what it is given.
        targeted: Whether the labels are wanted.
        norm: Of the budget.
        eps: The budget; None where any distance counts.
        solved_at: `[N]` int64, the number of that query; 0 for none yet.
        measured: How far images are, for an attack by a distance of its own; None for a norm.
    """

    images: Tensor
    labels: Tensor
    targeted: bool
    norm: str
    eps: float | None
    solved_at: Tensor
    measured: Callable[[Tensor, Tensor], Tensor] | None = None

    def look(self, images: Tensor, answers: Tensor, slots: Tensor, queries: Tensor) -> None:
        """Look at one call of the victim.

        Args:
            images: `[M, C, H, W]`, what was asked about.
            answers: `[M]` int64, the predicted classes.
            slots: `[M]` int64, which sample each row is; N and more is padding.
            queries: `[N + 1]` int64, how many each sample has asked, these included.
        """
        real = slots < len(self.labels)
        where = slots[real]
        labels = self.labels[where]
        hit = (answers[real] == labels) == self.targeted
        hit &= self.solved_at[where] == 0
        if not bool(hit.any()):
            return
        rows, places = images[real][hit], where[hit]
        inside = (rows.flatten(1) >= 0).all(1) & (rows.flatten(1) <= 1).all(1)
        if self.eps is not None:
            start = self.images[places]
            sizes = (
                distances(rows, start, self.norm)
                if self.measured is None
                else self.measured(rows, start)
            )
            inside &= sizes <= allowed(self.norm, self.eps)
        self.solved_at[places[inside]] = queries[places[inside]]
