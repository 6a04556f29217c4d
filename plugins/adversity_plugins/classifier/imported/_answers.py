"""What a model of somebody else's answers: whether it is that of a classifier, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["answer_fault", "are_probabilities", "first_line"]


def answer_fault(answer: Any, rows: int) -> tuple[str, str] | None:
    """Say what came instead of `[N, K]` floating-point for N images, and what to do; or None."""
    import torch

    if not isinstance(answer, torch.Tensor):
        what = type(answer).__name__
        what += f" of {len(answer)}" if isinstance(answer, (tuple, list, dict)) else ""
        return what, "export a model that returns the logits alone"
    if answer.ndim != 2 or len(answer) != rows or answer.shape[1] < 2:
        return f"shape {list(answer.shape)}", _shape_advice(answer, rows)
    if not answer.is_floating_point():
        return f"{answer.dtype}", "export it without its last argmax"
    return None


def _shape_advice(answer: Tensor, rows: int) -> str:
    if tuple(answer.shape) in ((rows,), (rows, 1)):
        return "export a model of two classes with two logits, for z the logits 0 and z"
    if answer.ndim == 4:
        return "it looks like a feature map: export the model with its pooling and last layer"
    return "export a classifier of whole images"


def are_probabilities(values: Tensor) -> bool:
    """Say whether every row is one of probabilities."""
    from adversity.shapes import probability_rows

    return bool(probability_rows(values).all())


def first_line(error: BaseException) -> str:
    """Return type and beginning of an error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
