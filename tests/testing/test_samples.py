"""What the kit finds wrong with samples and with the targets of a data set."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from adversity import Dataset, Sample
from adversity.data.reading import Source
from adversity.data.targets import NUMBERS
from adversity.errors import DataError
from adversity.testing.inputs.samples import sample_fault, targets_fault


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
    """What is wrong with an image is said in words; a reference is held to the same."""
    good = np.zeros((4, 4), np.uint8)
    assert sample_fault(Sample(good, 0, "a")) is None
    assert fault in str(sample_fault(Sample(image, 0, "a")))
    assert "reference" in str(sample_fault(Sample(good, 0, "a", reference=image)))


@pytest.mark.parametrize(
    ("targets", "holds"),
    [
        ([0, 1], True),
        ([np.int64(1), 0], True),
        ([0, 2], False),
        ([-1, 0], False),
        ([None, None], True),
        ([0, None], True),
        ([None, 2], False),
        ([0.5, 1.5], False),
        ([0.0, 1.0], False),
        ([(0.1, 0.2), (0.3, 0.4)], False),
        ([True, False], False),
        (["a", "b"], False),
    ],
)
def test_kit_and_engine_take_the_same_targets(targets: list[Any], holds: bool) -> None:
    """What the kit lets pass the engine reads; what one refuses the other does, in words."""

    class Given(Dataset):
        """Two samples with given targets."""

        name: ClassVar[str] = "given"

        @property
        def class_names(self) -> tuple[str, ...]:
            return ("a", "b")

        def __len__(self) -> int:
            return len(targets)

        def item(self, index: int) -> Sample:
            return Sample(np.zeros((4, 4), np.uint8), targets[index], str(index))

    fault = targets_fault(targets, ("a", "b"))
    if holds:
        assert fault is None
        assert len(Source(Given())) == 2
        return
    assert fault is not None
    with pytest.raises(DataError) as refused:
        Source(Given())
    assert NUMBERS in fault
    assert NUMBERS in str(refused.value)
