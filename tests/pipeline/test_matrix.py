"""The matrix: products over the variables that matter."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from adversity.pipeline.plan.matrix import expand, fill
from adversity.pipeline.plan.model import Cell

_NAMES = st.sampled_from("abcd")
_MATRIX = st.dictionaries(_NAMES, st.lists(st.sampled_from("1234"), min_size=1, unique=True))


@given(matrix=_MATRIX, names=st.sets(_NAMES))
def test_expansion_is_the_product_restricted_to_what_is_used(matrix, names):
    """The cells are the whole product with the other variables dropped, each once, in order."""
    whole = [
        Cell(tuple(zip(matrix, row, strict=True))) for row in itertools.product(*matrix.values())
    ]
    restricted = list(dict.fromkeys(cell.restrict(tuple(names)) for cell in whole))
    assert list(expand(matrix, names)) == restricted


def test_without_used_variables_there_is_one_empty_cell():
    """A step that no variable touches runs once."""
    assert expand({"a": ["1", "2"]}, ()) == (Cell(),)
    assert Cell().key == ""


def test_filling_reaches_into_lists_and_mappings_and_keeps_the_rest():
    """`$name` is replaced as a whole value at any depth; other text stays."""
    parameters = {"eps": "$eps", "sizes": ["$n", 3], "inner": {"with": {"n": "$n"}}, "text": "eps"}
    assert fill(parameters, {"eps": "4/255", "n": 5}) == {
        "eps": "4/255",
        "sizes": [5, 3],
        "inner": {"with": {"n": 5}},
        "text": "eps",
    }
