"""What the classification metrics read from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from adversity import Table

__all__ = ["Answer", "answer", "class_targets"]


class Answer(NamedTuple):
    """A classifier's answer: `[N, K]` probabilities, or else logits."""

    probs: np.ndarray[Any, Any] | None
    logits: np.ndarray[Any, Any] | None

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        given = self.logits if self.probs is None else self.probs
        return 0 if given is None else int(given.shape[1])


def class_targets(table: Table) -> np.ndarray[Any, Any] | None:
    """Return the targets `[N]` as class indices, or None where they are something else."""
    targets = np.asarray(table["target"])
    usable = len(table) > 0 and targets.ndim == 1 and targets.dtype.kind in "iu"
    return targets if usable else None


def answer(table: Table) -> Answer | None:
    """Return the answer, or None if the table has neither form of it.

    Probabilities come first: where both are there, they are the calibrated answer.
    """
    if table.has("probs"):
        return Answer(table["probs"], None)
    return Answer(None, table["logits"]) if table.has("logits") else None
