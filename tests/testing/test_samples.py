"""What the kit finds wrong with samples and with the targets of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity import Sample
from adversity.testing.samples import sample_fault, targets_fault


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ([[0]], "NumPy array"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros((4, 4)), "uint8 or float32"),
        (np.full((4, 4), np.nan, np.float32), "in [0, 1]"),
    ],
)
def test_sample_faults(image: Any, fault: str) -> None:
    """What is wrong with a picture is said in words; a reference is held to the same."""
    good = np.zeros((4, 4), np.uint8)
    assert sample_fault(Sample(good, 0, "a")) is None
    assert fault in str(sample_fault(Sample(image, 0, "a")))
    assert "reference" in str(sample_fault(Sample(good, 0, "a", reference=image)))


@pytest.mark.parametrize(
    ("targets", "holds"),
    [
        ([0, 1], True),
        ([0, 2], False),
        ([None, None], True),
        ([0, None], False),
        ([0.5, 1.5], True),
        ([float("nan")], False),
        ([(0.1, 0.2), (0.3, 0.4)], True),
        ([(0.1, 0.2), (0.3,)], False),
        ([True], False),
    ],
)
def test_target_faults(targets: list[Any], holds: bool) -> None:
    """Targets are of one sort, finite, and class indices are classes."""
    assert (targets_fault(targets, ("a", "b")) is None) == holds
