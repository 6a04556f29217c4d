"""What an attack cost, and which query solved a sample: counted by the core, not by the attack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Backward", "Counts", "Watch"]


class Counts:
    """What an attack cost each sample, and what its gradients were good for.

    Attributes:
        queries, gradients: `[N + 1]` int64; the last counts padding rows and is thrown away.
        felt: `[N + 1]` bool: a gradient was finite, and not zero.
        broken: `[N + 1]` bool: a gradient held NaN or infinity.
        blind: `[N + 1]` float64: the share of values at which the first gradient that was felt
            was 0.
    """

    def __init__(self, rows: int) -> None:
        """Start at zero."""
        import torch

        self.queries = torch.zeros(rows + 1, dtype=torch.int64)
        self.gradients = torch.zeros(rows + 1, dtype=torch.int64)
        self.felt = torch.zeros(rows + 1, dtype=torch.bool)
        self.broken = torch.zeros(rows + 1, dtype=torch.bool)
        self.blind = torch.zeros(rows + 1, dtype=torch.float64)

    def go_on(self, queries: Tensor, gradients: Tensor, felt: Tensor, broken: Tensor) -> None:
        """Start at what an earlier round cost the samples, `[N]` each."""
        self.queries[:-1], self.gradients[:-1] = queries, gradients
        self.felt[:-1], self.broken[:-1] = felt, broken


class Backward:
    """What comes back of one answer: counted, and handed on without what is no number.

    NaN and infinity are no gradient: an attack gets 0 in their place, so that none makes images
    of NaN from them. The rest of an image's gradient, and the other draws of an average, stay.
    """

    def __init__(self, counts: Counts, slots: Tensor, ones: Tensor) -> None:
        """Take the rows' places in the counts."""
        self._counts, self._slots, self._ones = counts, slots, ones
        self._sure = bool(counts.felt[slots].all())
        self._broken: Tensor | None = None

    def watch_part(self, images: Tensor, cut: slice) -> Tensor:
        """Look at what comes back to a block, or to one of its draws; return what to go on with."""

        def numbers(gradient: Tensor) -> Tensor | None:
            # A finite sum has finite terms; only where it overflows must they be looked at.
            if math.isfinite(gradient.sum()):
                return None
            finite = gradient.isfinite()
            broken = ~finite.flatten(1).all(1)
            if self._broken is None:
                self._broken = self._slots < 0
            self._broken[cut] |= broken
            return gradient.where(finite, 0.0)

        images.register_hook(numbers)  # type: ignore[no-untyped-call]
        return images

    def watch(self, images: Tensor) -> None:
        """Look at what comes back to all the images, after their parts were."""

        def feel(gradient: Tensor) -> None:
            # Here and not with the query: an attack may differentiate one answer several times.
            counts, slots, broken = self._counts, self._slots, self._broken
            counts.gradients.index_add_(0, slots, self._ones)
            if broken is not None:
                counts.broken[slots] |= broken
                self._broken = None
            # Once every row has felt a gradient there is nothing to learn: 3 % of a small step.
            if not self._sure:
                rows = gradient.flatten(1)
                some = rows.count_nonzero(1)
                felt = some > 0 if broken is None else (some > 0) & ~broken
                first = felt & ~counts.felt[slots]
                counts.blind[slots[first]] = 1 - some[first].double() / rows.shape[1]
                counts.felt[slots] |= felt

        images.register_hook(feel)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Watch:
    """Notes the query with which each sample was first solved.

    A query counts where it is about an image in the box [0, 1], within the attack's budget,
    whose answer is the attack's goal. Rows are the target's slots.

    Attributes:
        images: `[N, C, H, W]`, what the attack starts from.
        labels: `[N]` int64, what it is given.
        targeted: Whether the labels are target classes.
        solved_at: `[N]` int64, the number of that query; 0 for none yet.
        admits: Which images lie within the budget, given what they started from; None where any
            size counts.
    """

    images: Tensor
    labels: Tensor
    targeted: bool
    solved_at: Tensor
    admits: Callable[[Tensor, Tensor], Tensor] | None = None

    def look(self, images: Tensor, answers: Tensor, slots: Tensor, queries: Tensor) -> None:
        """Look at one call of the victim.

        Args:
            images: `[M, C, H, W]`, what was queried.
            answers: `[M]` int64, the predicted classes.
            slots: `[M]` int64, which sample each row is; N and more is padding.
            queries: `[N + 1]` int64, how many each sample has made, these included.
        """
        real = slots < len(self.labels)
        where = slots[real]
        labels = self.labels[where]
        hit = (answers[real] == labels) == self.targeted
        hit &= self.solved_at[where] == 0
        if not bool(hit.any()):
            return
        rows, places = images[real][hit], where[hit]
        boxed = (rows.flatten(1) >= 0).all(1) & (rows.flatten(1) <= 1).all(1)
        rows, places = rows[boxed], places[boxed]
        if self.admits is not None and len(rows):
            places = places[self.admits(rows, self.images[places])]
        self.solved_at[places] = queries[places]
