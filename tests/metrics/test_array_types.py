"""Labels and numbers in whatever people hold them: taken for what they are, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from adversity import metrics
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

PROBS = [[0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [0.125, 0.875]]
"""Numbers that bfloat16 holds exactly. The labels below are right in rows 0, 1 and 3: 3 of 4."""
LABELS = [0, 1, 1, 1]


class Column:
    """What a table's column is to NumPy (pandas, polars): something with `__array__`."""

    def __init__(self, values: list[Any], dtype: Any) -> None:
        self.values = np.array(values, dtype)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values.astype(dtype or self.values.dtype)

    def __repr__(self) -> str:
        return f"Column({self.values.tolist()}, {str(self.values.dtype)!r})"


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        tuple(LABELS),
        *(np.array(LABELS, kind) for kind in ("i1", "u1", "i4", "u8", "f2", "f4", "f8", "?", "O")),
        *(torch.tensor(LABELS, dtype=kind) for kind in (torch.uint8, torch.int32, torch.bfloat16)),
        torch.tensor([0.0, 1.0, 1.0, 1.0], requires_grad=True),
        [torch.tensor(label) for label in LABELS],
        Column(LABELS, "i8"),
        Column(LABELS, "O"),
    ],
    ids=repr,
)
def test_labels_of_any_type_are_the_same_labels(labels: Any) -> None:
    """Three of four are right by hand, in whatever the labels lie."""
    assert metrics.accuracy(PROBS, labels).value == 0.75


@pytest.mark.parametrize(
    "wrap",
    [
        tuple,
        np.array,
        lambda p: torch.tensor(p, requires_grad=True),
        lambda p: torch.tensor(p, dtype=torch.bfloat16),
        lambda p: torch.tensor(p, dtype=torch.float16),
        lambda p: [torch.tensor(row, requires_grad=True) for row in p],
    ],
    ids=["tuple", "numpy", "with a gradient", "bfloat16", "float16", "list of tensors"],
)
def test_probabilities_of_any_type_give_the_same_numbers(wrap: Callable[[Any], Any]) -> None:
    """Every metric of a table gives to the last bit what it gives for lists."""
    for metric in (metrics.ece, metrics.nll, metrics.brier, metrics.accuracy):
        assert metric(wrap(PROBS), LABELS).value == metric(PROBS, LABELS).value
    start = torch.tensor([True, True, False, True])
    assert metrics.robust_accuracy(start, ~start).value == 0.75
    assert metrics.mean_interval(torch.tensor([1.0, 2.0], requires_grad=True)).value == 1.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.ece(PROBS, LABELS, bins=2.5), "bins as a whole number, .* got 2.5"),
        (lambda: metrics.ece(PROBS, LABELS, bins=True), "bins as a whole number"),
        (lambda: metrics.accuracy(PROBS, LABELS, top=1.0), "top as a whole number"),
        (lambda: metrics.wilson(1.5, 3), "successes as a whole number"),
        (lambda: metrics.accuracy([[0.5, 0.5], [1.0]], [0, 1]), "the same length"),
        (lambda: metrics.accuracy([["a", "b"]], [0]), "probs as numbers"),
        (lambda: metrics.softmax(np.array([[1j, 2]])), "array of numbers, got ndarray of complex"),
        (lambda: metrics.accuracy(PROBS, ["a", "b", "b", "b"]), "class_names.index"),
        (lambda: metrics.accuracy(PROBS, np.array([LABELS]).T), r"labels\[:, 0\]"),
        (lambda: metrics.accuracy(PROBS, np.eye(2)[LABELS]), r"labels.argmax\(1\)"),
        (lambda: metrics.accuracy(PROBS, [0, 1, 1, np.nan]), "whole numbers, got nan in row 3"),
        (lambda: metrics.accuracy(PROBS, [0, 1, 1, np.inf]), "got inf in row 3"),
        (lambda: metrics.accuracy(PROBS, [0, 1, 1, None]), "every entry must be a number"),
        (lambda: metrics.accuracy(np.eye(3), [True, False, True]), "yes and no for 3 classes"),
        (
            lambda: metrics.accuracy(PROBS, np.ma.array(LABELS, mask=[0, 0, 0, 1])),
            "without masked entries",
        ),
    ],
)
def test_what_is_no_such_array_is_refused(call: Callable[[], Any], message: str) -> None:
    """One of our errors says what was expected, what came and what to write."""
    with pytest.raises(DataError, match=message):
        call()


def test_image_metrics_let_a_gradient_go_and_know_their_scale() -> None:
    """Tensors with a gradient are measured; 0 to 255, -1 to 1 and bytes are refused by name.

    The PSNR of an error of 0.1 everywhere is 20 dB. On the scale 0 to 255 the same images had
    -28 dB, without a word.
    """
    clean = torch.full((1, 3, 12, 12), 0.5)
    near = (clean + 0.1).requires_grad_()
    found = metrics.psnr(near, clean)
    assert not found.requires_grad
    assert float(found) == pytest.approx(20, abs=1e-4)  # 0.1 in float32
    assert not metrics.ssim(near, clean).requires_grad
    noise = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    for metric in (metrics.psnr, metrics.ssim):
        with pytest.raises(DataError, match="divide by 255"):
            metric(noise * 255, clean)
        with pytest.raises(DataError, match="divide by 255"):
            metric(clean, noise * 255)
        with pytest.raises(DataError, match=r"\(images \+ 1\) / 2"):
            metric(noise * 2 - 1, clean)
        with pytest.raises(DataError, match=r"uint8; write images.float\(\) / 255"):
            metric((noise * 255).byte(), (noise * 255).byte())
        with pytest.raises(DataError, match=r"torch\.from_numpy"):
            metric(noise.numpy(), clean)  # type: ignore[arg-type]
