"""What a model of somebody else's answers: whether it is that of a classifier, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["answer_fault", "first_line", "logits_fault", "normalised", "probs_fault"]

ABOUT = 0.02
"""How far from 1 the sum of probabilities may be that were rounded, to whatever type: bfloat16 has
8 bits. Of logits in [0, 1] for two images hardly both sums are as near by chance."""


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


def logits_fault(values: Tensor, *, said: bool) -> str | None:
    """Say why an answer is not one of logits, and what to do; or None.

    Args:
        values: `[N, K]`, of images that have nothing to do with each other.
        said: Whether users say themselves that they are logits.
    """
    low, high = (float(value) for value in values.aminmax())
    if low < 0 or high > 1:
        return None
    if bool(((values.double().sum(1) - 1).abs() <= ABOUT).all()):
        return (
            "rows that are not negative and sum to 1; write `answers: probabilities`, or export "
            "the model without its last softmax"
        )
    return (
        None
        if said
        else (
            f"values from {low:.4g} to {high:.4g} alone, as of a sigmoid for each class; export the "
            "model without it, or write `answers: logits` if it has none"
        )
    )


def probs_fault(values: Tensor) -> str | None:
    """Say which row is not one of probabilities, and what to do; or None."""
    total = values.double().sum(1)
    wrong = (values < 0).any(1) | ((total - 1).abs() > _allowed(values))
    if not bool(wrong.any()):
        return None
    row = int(wrong.nonzero()[0])
    low, high = (float(value) for value in values[row].aminmax())
    if low < 0 or high > 1 + ABOUT:
        advice = "write `answers: logits`"
    elif abs(float(total[row]) - 1) <= ABOUT:
        advice = "export it with a softmax in float32, or without its last softmax"
    else:
        advice = "a sigmoid for each class gives such values: export it without"
    return (
        f"values from {low:.4g} to {high:.4g} in row {row} of {len(values)}, which sums to "
        f"{float(total[row]):.6g}; {advice}"
    )


def normalised(values: Tensor) -> Tensor:
    """Divide the probabilities of rows that were rounded to 16 bits by their sum, in float64."""
    import torch

    from adversity.shapes import ROUNDED

    short = _allowed(values.detach()) > ROUNDED
    exact = values.double()
    return torch.where(short[:, None], exact / exact.sum(1, keepdim=True), exact).to(values)


def _allowed(values: Tensor) -> Tensor:
    """Return `[N]`, how far the sum of each row may be from 1: as its type rounds, twice."""
    import torch

    from adversity.shapes import ROUNDED

    allowed = torch.full((len(values),), ROUNDED, dtype=torch.float64, device=values.device)
    for kind in (torch.bfloat16, torch.float16):
        allowed[(values.to(kind).to(values) == values).all(1)] = 2 * torch.finfo(kind).eps
    return allowed


def first_line(error: BaseException) -> str:
    """Return type and beginning of an error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
