"""Rows in memory that a fit gets: numbers to learn in every form that people hold them in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from adversity.engine.public.in_memory import TensorRows
from adversity.errors import DataError

IMAGES = torch.zeros(3, 1, 4, 4)


def rows(numbers: object) -> TensorRows:
    """Return three images with numbers."""
    return TensorRows(None, (), images=IMAGES, numbers=numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "numbers",
    [
        [3, 2, 1],
        np.arange(1.0, 4.0)[::-1],
        np.array([3, 2, 1], dtype=">f8"),
        np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 0.0]])[:, :1],
        torch.tensor([3.0, 2.0, 1.0], requires_grad=True),
        torch.tensor([3, 2, 1], dtype=torch.bfloat16),
    ],
    ids=["list", "reversed view", "big-endian", "column", "with a gradient", "bfloat16"],
)
def test_targets_come_in_any_form(numbers: object) -> None:
    """Also a view whose strides are negative, which torch takes from nobody."""
    labels = rows(numbers).labels
    assert labels is not None
    assert labels.dtype == torch.float64
    assert labels.tolist() == [[3.0], [2.0], [1.0]]


def test_targets_are_a_copy() -> None:
    """What the caller does to its array afterwards changes nothing."""
    numbers = np.arange(3.0)
    given = rows(numbers)
    numbers[:] = 7
    assert given.labels is not None
    assert given.labels.flatten().tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "numbers",
    [["a", "b", "c"], [[1, 2], [3], [4]], [None, 1, 2], np.array([1j, 2, 3])],
    ids=["text", "ragged", "nothing", "complex"],
)
def test_what_are_no_numbers_is_refused_in_a_sentence(numbers: object) -> None:
    """By the error of data, not by whatever torch says."""
    with pytest.raises(DataError, match=r"^expected .*targets"):
        rows(numbers)
