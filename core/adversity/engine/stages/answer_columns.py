"""An answer as columns of a table, and back; and the sets of classes that it leaves possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.targets import has_class
from adversity.engine.chain.answer import Answer
from adversity.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.engine.stages.columns import Columns, Rows

__all__ = ["answer_columns", "answer_of", "set_columns", "whole_columns"]


def answer_columns(
    answer: Answer, target: np.ndarray[tuple[int], np.dtype[np.int64]] | None
) -> Columns:
    """Return prediction, correctness, confidence and the answer itself.

    An answer is not correct where the target is no class: no metric of labels counts such rows.

    Args:
        answer: To N images.
        target: `[N]` int64, negative where a sample has no class; or None.
    """
    prediction = answer.predicted.numpy()
    columns: Columns = {"prediction": prediction}
    if target is not None:
        columns["correct"] = prediction == target
    if answer.kind == "labels":
        return columns
    columns["confidence"] = answer.probabilities.amax(1).numpy()
    columns[answer.kind] = answer.decision.numpy()
    return columns


def whole_columns(
    answer: Answer, target: np.ndarray[tuple[int], np.dtype[np.int64]] | None
) -> Columns:
    """Return prediction, correctness and confidence over all classes, where a mask leaves some.

    Args:
        answer: Over all classes, to N images.
        target: `[N]` int64 among all classes, negative where a sample has none; or None.
    """
    columns = answer_columns(answer, target)
    names = ("prediction", "correct", "confidence")
    return {f"{name}_of_all": columns[name] for name in names if name in columns}


def set_columns(sets: Tensor, target: np.ndarray[tuple[int], np.dtype[np.int64]] | None) -> Columns:
    """Return prediction sets, how many classes each holds, and whether it holds the true one.

    Args:
        sets: `[N, K]` bool.
        target: `[N]` int64, negative where a sample has no class; or None.
    """
    columns: Columns = {"sets": sets.numpy(), "set_size": sets.sum(1).numpy()}
    if target is not None:
        columns["in_set"] = columns["sets"][range(len(target)), target] & has_class(target)
    return columns


def answer_of(rows: Rows, label: str) -> Answer:
    """Return the answer that stored predictions hold.

    Args:
        rows: Of a table.
        label: What works on them, for the message.

    Raises:
        InputError: If they have neither logits nor probabilities.
    """
    import torch

    for kind in ("logits", "probs"):
        if kind in rows:
            return Answer(torch.from_numpy(rows[kind].copy()), kind)
    raise InputError(f"{label} needs logits or probabilities; the predictions have neither")
