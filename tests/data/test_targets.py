"""Targets that are numbers: what is one, and what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from adversity.contracts.values import IndexRow
from adversity.data.reading import Source
from adversity.data.targets import number_fault, numbers_of
from adversity.errors import DataError
from adversity_plugins.dataset.digits import Digits

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("target", [[1.0, 2.0], (1, 2), np.array([1, 2]), range(2)])
def test_so_many_finite_numbers_are_taken(target: object) -> None:
    """Lists, tuples and arrays, whole or not."""
    assert number_fault(target, ["x", "y"]) is None


@pytest.mark.parametrize(
    "target",
    [
        [1.0],
        [1.0, 2.0, 3.0],
        [1.0, np.nan],
        [1.0, [2.0]],
        [True, 1.0],
        ["1", "2"],
        "ab",
        b"ab",
        {1.0, 2.0},
        np.zeros((2, 1)),
        np.zeros(()),
        1.0,
    ],
    ids=repr,
)
def test_all_else_is_refused_in_words(target: object) -> None:
    """Ragged lists and bytes too, of which NumPy and Python would make something."""
    assert str(number_fault(target, ["x", "y"])).startswith("expected 2 finite numbers (x, y)")


def test_the_message_names_data_set_and_sample() -> None:
    """One of several rows is wrong."""
    rows = [
        IndexRow(id=name, target=t, shape=(1, 1, 1), content="")
        for name, t in (("a", 1.5), ("b", np.inf))
    ]
    with pytest.raises(DataError, match=r"faces, sample 'b': expected a number \(age\) as target"):
        numbers_of(rows, ["age"], (), "faces")


def test_classes_are_known_by_what_they_were(tmp_path: Path) -> None:
    """The content of data with classes does not change for there being numbers elsewhere."""
    Digits().materialise(tmp_path)
    data = Digits(limit=2)
    data.open(tmp_path)
    source = Source(data)
    rows = [[r.id, r.target, None, r.shape, r.content, []] for r in data.index()]
    record = {"classes": source.class_names, "prepare": {}, "rows": rows}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    assert source.content == hashlib.sha256(text.encode()).hexdigest()
