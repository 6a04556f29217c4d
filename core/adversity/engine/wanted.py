"""The labels an attack is given: the true ones, or those that a targeted attack wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.calls import Ready
    from adversity.engine.target import ChainTarget

__all__ = ["is_targeted", "labels_fit", "wanted_labels"]


def labels_fit(labels: Tensor, rows: int, classes: int) -> None:
    """Refuse labels that are not classes of the victim, one for each row.

    Raises:
        DataError: With what was expected and what came.
    """
    if labels.shape != (rows,) or labels.is_floating_point():
        raise DataError(f"expected labels [{rows}] int64, got {list(labels.shape)} {labels.dtype}")
    if rows and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise DataError(
            f"expected labels in 0 .. {classes - 1}, got {int(labels.min())} .. {int(labels.max())}"
        )


def is_targeted(ready: Ready) -> bool:
    """Say whether an attack is given the wanted classes instead of the true ones."""
    return bool(getattr(ready.plugin, "targeted", False))


def wanted_labels(
    ready: Ready, judge: ChainTarget, images: Tensor, labels: Tensor, seed: int
) -> Tensor:
    """Return the labels an attack is given: the true ones, or a targeted attack's wish."""
    import torch

    if not is_targeted(ready):
        return labels
    wish, classes = ready.plugin.target, judge.classes
    if wish == "next":
        return (labels + 1) % classes
    if wish == "least_likely":
        values, probs = judge.answer(images)
        return (values if probs is None else probs).argmin(1)
    if wish == "random":
        rng = SampleRng(seed=seed, step="target", ids=judge.ids)
        return (labels + 1 + rng.integers(0, classes - 1)) % classes
    if not 0 <= int(wish) < classes:
        raise DataError(f"expected target in 0 .. {classes - 1}, got {wish}")
    return torch.full_like(labels, int(wish))
