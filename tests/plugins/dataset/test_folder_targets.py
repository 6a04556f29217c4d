"""Folders whose CSV file holds numbers to be estimated."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset.folder import Folder

ROWS = "a.png,1.5,-2,day\nb.png,3e-1,4,night\n"


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens two images with the rows and parameters given."""
    (tmp_path / "data").mkdir()
    for i, name in enumerate("ab"):
        Image.fromarray(np.full((4, 4), 80 * i, np.uint8)).save(tmp_path / f"data/{name}.png")

    def run(rows=ROWS, header="file,x,y,light", targets=("x", "y"), **more):
        (tmp_path / "data/numbers.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
        data = Folder(path="data", labels="numbers.csv", targets=targets, **more)
        data.open(tmp_path)
        return data

    return run


def test_columns_become_targets(opened):
    """In the order in which they are named; the other columns are attributes."""
    source = Source(opened())
    assert source.numbers.tolist() == [[1.5, -2.0], [0.3, 4.0]]
    assert (source.target_names, source.class_names) == (("x", "y"), ())
    assert source.attributes == ({"light": "day"}, {"light": "night"})
    turned = Source(opened(targets=("y",)))
    assert turned.numbers.tolist() == [[-2.0], [4.0]]
    assert turned.attributes[0] == {"x": "1.5", "light": "day"}


def test_a_sample_has_what_the_index_says(opened):
    """One number as it is, several as a tuple."""
    assert opened().item(0).target == (1.5, -2.0)
    assert opened(targets=("x",)).item(1).target == 0.3
    assert opened().describe()["targets"] == {"x": [0.3, 1.5], "y": [-2.0, 4.0]}


def test_numbers_and_their_names_are_in_the_content(opened):
    """Whatever changes a figure changes what the data are known by."""
    contents = {
        Source(opened()).content,
        Source(opened(ROWS.replace("1.5", "1.25"))).content,
        Source(opened(header="file,x,z,light", targets=("x", "z"))).content,
        Source(opened(targets=("x",))).content,
    }
    assert len(contents) == 4


def test_a_row_may_lack_numbers_where_it_is_said(opened):
    """Then the sample has no target; a part of one is none."""
    rows = "a.png,1.5,-2,day\nb.png,,,night\n"
    with pytest.raises(DataError, match=r"numbers.csv:3: 'b.png' has no target; write it, or keep"):
        opened(rows)
    data = opened(rows, unlabelled="keep")
    assert data.item(1).target is None
    source = Source(data)
    assert np.isnan(source.numbers[1]).all()
    assert source.unlabelled_count == 1
    with pytest.raises(DataError, match=r"numbers.csv:3: y must be a finite number"):
        opened("a.png,1.5,-2,day\nb.png,1,,night\n", unlabelled="keep")


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", '"1,5"', "1e999", "x", "0x10", "--1"])
def test_what_is_no_finite_number_is_refused_with_its_line(opened, text):
    """Python's `float` would read some of these."""
    with pytest.raises(DataError, match=r"data/numbers.csv:2: x must be a finite number such as"):
        opened(f"a.png,{text},-2,day\n")


def test_columns_that_are_not_there_are_refused(opened):
    """The message says which it needs."""
    with pytest.raises(
        DataError, match=r"numbers.csv:1: expected a header with the columns file,z"
    ):
        opened(targets=("z",))


@pytest.mark.parametrize(
    "parameters",
    [
        {"targets": ("x",)},
        {"targets": (), "labels": "n.csv"},
        {"targets": ("x", "x"), "labels": "n.csv"},
        {"targets": ("label",), "labels": "n.csv"},
        {"targets": ("x",), "labels": "n.csv", "classes": ("a", "b")},
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters):
    """Targets are columns of a file, and there are no classes beside them."""
    with pytest.raises(ValidationError, match="targets"):
        Folder(path="data", **parameters)
