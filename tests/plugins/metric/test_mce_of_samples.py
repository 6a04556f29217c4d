"""mCE of one table against that of 75 cells, and its interval against the spread of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity import Measure, MeasuredCell, Table
from adversity.errors import InputError
from adversity_plugins.metric._alexnet import ALEXNET, ALEXNET_CLEAN
from adversity_plugins.metric.mce import MCE
from adversity_plugins.metric.mce_of_samples import MCEOfSamples

CELLS = [(name, severity) for name in ALEXNET for severity in range(1, 6)]


def table(images: int, *, seed: int = 0, extra: bool = False) -> Table:
    """Return a table in which images are hard or easy, in an order of its own."""
    random = np.random.default_rng(seed)
    easy = random.random(images)
    cells = CELLS + ([("spatter", 3)] if extra else [])
    rows = [(cell, image) for cell in cells for image in range(images)]
    rows = [rows[at] for at in random.permutation(len(rows))]
    right = [random.random() < easy[image] * (1 - severity / 9) for (_, severity), image in rows]
    return Table(
        {
            "id": np.array([f"{cell}/{image}" for cell, image in rows], dtype=object),
            "target": np.zeros(len(rows), np.int64),
            "correct": np.array(right),
            "group": np.array([f"{image:05d}" for _, image in rows], dtype=object),
            "attribute_corruption": np.array([name for (name, _), _ in rows], dtype=object),
            "attribute_severity": np.array([float(severity) for (_, severity), _ in rows]),
        }
    )


def of_cells(one: Table, **given: Any) -> dict[str, Measure]:
    """Return what `mce` makes of the accuracies of the cells."""
    folded = []
    for name, severity in CELLS:
        rows = (one["attribute_corruption"] == name) & (one["attribute_severity"] == severity)
        accuracy = Measure(float(one["correct"][rows].mean()), int(rows.sum()))
        folded.append(
            MeasuredCell(
                {"corruption": name, "severity": str(severity)}, {"accuracy": accuracy}, one
            )
        )
    return dict(MCE(**given).fold(folded))


def test_it_is_the_number_that_75_cells_give() -> None:
    """Both ways, with an extra corruption in the table that counts for nothing and is named."""
    one = table(12, extra=True)
    found = MCEOfSamples(clean_accuracy=0.7).compute(one)
    expected = of_cells(one, clean_accuracy=0.7)
    assert found.keys() == expected.keys() == {"mce", "relative_mce"}
    for name, measure in found.items():
        assert measure.value == pytest.approx(expected[name].value, rel=1e-12)
        assert measure.convention["left out"] == "spatter"
        assert measure.n == 75 * 12
    assert "relative_mce" not in MCEOfSamples().compute(one)


def test_a_network_that_is_always_wrong_has_its_closed_form() -> None:
    """Errors of one: 500 by the sum of AlexNet's, the mean of 15; relative ones likewise."""
    one = table(3)
    one.columns["correct"][:] = False
    found = MCEOfSamples(clean_accuracy=0.0).compute(one)
    assert found["mce"].value == pytest.approx(np.mean([500 / sum(e) for e in ALEXNET.values()]))
    assert found["relative_mce"].value == pytest.approx(0, abs=1e-12)
    assert found["mce"].low is None  # no spread was measured
    assert ALEXNET_CLEAN < 0.5


def test_the_interval_is_that_of_clean_images() -> None:
    """Each image has one number, the mean over corruptions of its errors; Student's of those."""
    one = table(40)
    found = MCEOfSamples().compute(one)["mce"]
    numbers = []
    for image in sorted(set(one["group"])):
        own = one["group"] == image
        shares = [
            100 * (~one["correct"][own & (one["attribute_corruption"] == name)]).sum() / sum(errors)
            for name, errors in ALEXNET.items()
        ]
        numbers.append(np.mean(shares))
    low, high = stats.t.interval(0.95, len(numbers) - 1, np.mean(numbers), stats.sem(numbers))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.method == "student t, grouped"


@pytest.mark.parametrize("change", ["no groups", "an image twice", "an image missing"])
def test_without_every_image_in_every_cell_there_is_no_interval(change: str) -> None:
    """The value stands, as that of the cells."""
    columns = dict(table(6).columns)
    if change == "no groups":
        del columns["group"]
    elif change == "an image twice":
        columns["group"] = np.where(columns["group"] == "00001", "00002", columns["group"])
    else:
        columns = {name: values[1:] for name, values in columns.items()}
    found = MCEOfSamples().compute(Table(columns))["mce"]
    assert found.low is None
    assert found.high is None
    assert found.value == pytest.approx(of_cells(Table(columns))["mce"].value)


def test_a_missing_cell_is_refused() -> None:
    """It would be another number: with how many are missing and which."""
    whole = table(4)
    keep = ~((whole["attribute_corruption"] == "fog") & (whole["attribute_severity"] >= 4))
    with pytest.raises(InputError, match="2 of 75 have no sample, fog at 4 the first"):
        MCEOfSamples().compute(
            Table({name: values[keep] for name, values in whole.columns.items()})
        )


def test_the_interval_ends_where_errors_do() -> None:
    """Of three images, one always wrong: Student's would go below no error at all."""
    one = table(3)
    one.columns["correct"][:] = one["group"] != "00000"
    found = MCEOfSamples(clean_accuracy=1.0).compute(one)
    assert found["mce"].low == 0
    assert found["relative_mce"].low < 0  # of errors that are added there may be less than none
