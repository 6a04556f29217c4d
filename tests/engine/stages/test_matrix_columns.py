"""A table says in columns which cell its rows are of: variables of the matrix, as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from adversity.engine.stages.columns import matrix_numbers, of_cell
from adversity.pipeline.plan.matrix import expand

LONG = str(2**53 + 1)
"""The first whole number that no float64 is."""


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["1", "3", "5"], np.array([1, 3, 5], np.int64)),
        (["0", "4/255", "0.5"], np.array([0, 4 / 255, 0.5], np.float64)),
        (["1.0", "2"], np.array([1, 2], np.int64)),
        ([LONG, "1"], np.array([2**53 + 1, 1], np.int64)),
        (["median", "3"], np.array(["median", "3"], object)),
        (["true", "false"], np.array(["true", "false"], object)),
        ([LONG, "0.5"], np.array([LONG, "0.5"], object)),
        ([str(2**63), "1"], np.array([str(2**63), "1"], object)),
        (["1e400", "0.5"], np.array(["1e400", "0.5"], object)),
    ],
    ids=lambda value: str(value[0])[:6] if isinstance(value, list) else "",
)
def test_a_variable_is_a_column_of_one_type(written: list[str], values: np.ndarray) -> None:
    """Numbers where all its values are such that the type holds, else texts as written."""
    cells = expand({"it": written}, {"it"})
    numbers = matrix_numbers(cells)
    columns = [of_cell(cell, numbers, 2) for cell in cells]
    found = np.concatenate([column["it"] for column in columns])
    assert found.dtype == values.dtype
    assert found.tolist() == np.repeat(values, 2).tolist()
    assert [list(column["cell"]) for column in columns] == [[f"it={text}"] * 2 for text in written]


def test_each_variable_has_its_own_type() -> None:
    """What is a number does not hang on what else the matrix varies, nor on the order of cells."""
    matrix = {"severity": ["1", "3"], "model": ["plain", "2"], "eps": ["1/255", "2/255"]}
    cells = expand(matrix, matrix)
    for given in (cells, cells[::-1]):
        columns = of_cell(cells[-1], matrix_numbers(given), 1)
        assert {name: column.tolist() for name, column in columns.items()} == {
            "cell": ["severity=3,model=2,eps=2/255"],
            "severity": [3],
            "model": ["2"],
            "eps": [2 / 255],
        }
    assert list(of_cell(expand({}, ())[0], {}, 3)) == ["cell"]
