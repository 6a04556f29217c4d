"""The labels an attack is given: the true ones, or the target classes of a targeted attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.targets import UNKNOWN_CLASS
from adversity.errors import DataError
from adversity.metrics.predictions import array_of, class_labels
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.answer import Answer
    from adversity.engine.chain.target import ChainTarget

__all__ = ["goal_labels", "label_rows", "labels_of_objective"]


def label_rows(labels: object, rows: int, classes: int | None = None) -> Tensor:
    """Return labels in any array type as `[N]` int64, one class of the victim for each row.

    Args:
        labels: Whole numbers: a list, an array, a tensor, a column of a table.
        rows: Expected N.
        classes: K; None where it is not known yet.

    Raises:
        DataError: With what was expected and what came.
    """
    import torch

    return torch.from_numpy(class_labels(labels, rows=rows, classes=classes or None))


def labels_of_objective(labels: object, rows: int) -> Tensor:
    """Return the same for an attack on a decision, where -1 stands for a class that the victim lacks."""
    import numpy as np
    import torch

    values = array_of(labels, "labels")
    lacking = values == UNKNOWN_CLASS if values.dtype.kind in "if" else np.zeros(len(values), bool)
    known = label_rows(np.where(lacking, np.zeros_like(values), values), rows)
    return torch.where(torch.from_numpy(lacking), UNKNOWN_CLASS, known)


def goal_labels(
    ready: Ready, judge: ChainTarget, before: Answer, labels: Tensor, seed: int
) -> Tensor:
    """Return the labels an attack is given: the true ones, or a targeted attack's target classes.

    Args:
        ready: The attack.
        judge: The whole chain, bound to the samples.
        before: What it says of the images before the attack.
        labels: `[N]` int64, the true classes.
        seed: Of the pipeline.
    """
    import torch

    if not ready.plugin.is_targeted:
        return labels
    choice, classes = ready.plugin.target, judge.classes
    if choice == "next":
        return (labels + 1) % classes
    if choice == "least_likely":
        return before.decision.argmin(1)
    if choice == "random":
        rng = SampleRng(seed=seed, step="target", ids=judge.ids)
        return (labels + 1 + rng.integers(0, classes - 1)) % classes
    if not 0 <= int(choice) < classes:
        raise DataError(f"expected target in 0 .. {classes - 1}, got {choice}")
    return torch.full_like(labels, int(choice))
