"""Held-out rows as calibrators are fitted on them, in memory; needs NumPy and torch, no plugin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Block, FitData

__all__ = ["MINIMUM_ROWS", "HeldRows", "held_rows"]

MINIMUM_ROWS = 100
"""With fewer rows what is fitted is mostly noise."""


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Labelled logits.

    Attributes:
        logits: `[N, K]` float64, finite.
        targets: `[N]` int64.
        weights: `[N]` float64 above 0, what each row counts.
        class_names: K of them.
    """

    logits: Tensor
    targets: Tensor
    weights: Tensor
    class_names: tuple[str, ...]

    @property
    def present(self) -> Tensor:
        """The classes that some row has, ascending `[P]` int64."""
        return self.targets.bincount().nonzero()[:, 0]

    def nll(self, log_probs: Tensor) -> float:
        """Return the mean negative log-likelihood of `[N, K]` log p, in nats."""
        truth = log_probs.gather(1, self.targets[:, None])[:, 0]
        return float(-(self.weights * truth).sum() / self.weights.sum())


def held_rows(data: FitData, name: str) -> HeldRows:
    """Read a stream; how it is cut into blocks changes nothing.

    Args:
        data: Blocks with `logits` and `targets`, and `weights` where there are any.
        name: The calibrator, for messages.

    Raises:
        DataError: There are no rows, no logits or targets, or they do not fit.
    """
    blocks = [_checked(block, name) for block in data if block.ids]
    if not blocks:
        raise DataError(f"{name} expects rows to fit on, got none")
    logits, targets, weights = (torch.cat(parts) for parts in zip(*blocks, strict=True))
    return HeldRows(logits, targets, weights, tuple(data.class_names))


def _checked(block: Block, name: str) -> tuple[Tensor, Tensor, Tensor]:
    if block.logits is None or block.targets is None:
        missing = "logits" if block.logits is None else "targets"
        raise DataError(
            f"{name} expects logits and targets to fit on, got no {missing}: fit it on the "
            "predictions of a classifier for labelled images"
        )
    logits, targets = block.logits.detach().cpu().double(), block.targets.detach().cpu()
    if logits.ndim != 2 or logits.shape[1] < 2 or targets.shape != logits.shape[:1]:
        raise DataError(
            f"{name} expects logits [N, K] with K >= 2 and targets [N], got {list(logits.shape)} "
            f"and {list(targets.shape)}"
        )
    if not logits.isfinite().all():
        raise DataError(f"{name} expects finite logits, got NaN or infinity")
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= logits.shape[1]:
        raise DataError(
            f"{name} expects targets in 0 .. {logits.shape[1] - 1}, got {low} .. {high}"
        )
    if block.weights is None:
        return logits, targets, torch.ones(len(logits), dtype=torch.float64)
    return logits, targets, block.weights.detach().cpu().double()
