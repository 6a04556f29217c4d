"""The mean over cells against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity import Measure, MeasuredCell, MeasureInfo, Plot, Table
from adversity.errors import InputError
from adversity_plugins.metric.mean_over_cells import MeanOverCells

INFO = MeasureInfo(0.0, 1.0, title="ECE", better="lower", group="uncertainty")
NO_ROWS = Table({"id": np.array([], dtype=object)})


def cells(
    values: list[float], name: str = "ece", *, first: int = 0, **more: Any
) -> list[MeasuredCell]:
    given = {"unit": "", "better": "lower", "convention": {"bins": 15}, "info": INFO, **more}
    return [
        MeasuredCell({"severity": "3", "seed": str(i)}, {name: Measure(x, 400, **given)}, NO_ROWS)
        for i, x in enumerate(values, start=first)
    ]


def test_mean_interval_and_spread_are_scipys() -> None:
    """Of cells that were drawn: Student's interval with as many values as cells."""
    values = [0.11, 0.14, 0.10, 0.19, 0.13]
    found = MeanOverCells(measure="ece", cells="drawn").fold(cells(values))
    mean, spread = found["ece"], found["ece_spread"]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert mean.value == pytest.approx(np.mean(values), abs=1e-15)
    assert (mean.low, mean.high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    assert (mean.n, spread.n) == (5, 5)
    assert spread.value == pytest.approx(np.std(values, ddof=1), abs=1e-15)
    assert (spread.low, spread.high) == (None, None)


def test_cells_that_were_chosen_have_no_interval() -> None:
    """The same mean and spread; no other severities could have come, so none is claimed."""
    given = cells([0.11, 0.14, 0.10])
    fixed, drawn = MeanOverCells(measure="ece"), MeanOverCells(measure="ece", cells="drawn")
    mean, spread = fixed.fold(given)["ece"], fixed.fold(given)["ece_spread"]
    assert (mean.value, mean.n, mean.info) == (drawn.fold(given)["ece"].value, 3, INFO)
    assert (mean.low, mean.high, mean.method) == (None, None, None)
    assert "interval" not in mean.convention
    assert spread == drawn.fold(given)["ece_spread"]


def test_the_words_of_the_measure_are_kept() -> None:
    """Unit, direction and range are those of what is folded, and the convention says of what."""
    found = MeanOverCells(measure="size", cells="drawn").fold(cells([3.0, 5.0], "size", unit="px"))
    mean, spread = found["size"], found["size_spread"]
    assert (mean.unit, mean.better, mean.info) == ("px", "lower", INFO)
    assert (spread.unit, spread.better) == ("px", None)
    assert mean.convention["over"] == "2 cells (seed)"
    assert "not of other samples" in mean.convention["interval"]
    assert mean.convention["in each cell"] == {"bins": 15}
    plot = Plot.from_json(mean.details["plot"])
    assert (plot.x, plot.y) == (["0", "1"], [3.0, 5.0])


def test_conventions_that_differ_are_all_said() -> None:
    """A mean over two definitions says so, each with the number of its cells."""
    given = [
        *cells([20.0, 21.0], "psnr_db", convention={"crop": 0, "range": 1.0}),
        *cells([22.0], "psnr_db", first=2, convention={"crop": 4, "range": 1.0, "mean": "finite"}),
    ]
    said = MeanOverCells(measure="psnr_db").fold(given)["psnr_db"].convention["in each cell"]
    assert said == {
        "crop": "0 in 2 of 3 cells, 4 in 1 of 3 cells",
        "range": 1.0,
        "mean": "not said in 2 of 3 cells, finite in 1 of 3 cells",
    }


def test_values_that_were_left_out_are_counted_over_all_cells() -> None:
    """Equal images have an infinite PSNR: how many there were is the sum over the cells."""
    given = [
        *cells([20.0], "psnr_db", details={"infinite": 2}),
        *cells([22.0], "psnr_db", first=1, details={"infinite": 1}),
    ]
    assert MeanOverCells(measure="psnr_db").fold(given)["psnr_db"].details["infinite"] == 3
    assert MeanOverCells(measure="psnr_db").fold(given[:1])["psnr_db"].details["infinite"] == 2


def test_what_it_gives_is_known_beforehand() -> None:
    """The mean has the words of the measure, the spread its unit and a name after it."""
    metric = MeanOverCells(measure="ece")
    known = metric.gives({"ece": INFO})
    found = metric.fold(cells([0.1, 0.2]))
    assert {name: one.info for name, one in found.items()} == known
    assert (known["ece_spread"].title, known["ece_spread"].low) == ("spread of ECE", 0)
    assert metric.gives({})["ece"] == MeasureInfo()


def test_an_interval_stays_in_the_range_of_the_measure() -> None:
    """Of shares near 0 it ends there: Student's would go below."""
    found = MeanOverCells(measure="ece", cells="drawn").fold(cells([0.0, 0.04]))["ece"]
    assert (found.value, found.low) == (0.02, 0.0)


def test_one_cell_is_its_value_alone() -> None:
    """No interval and no spread: nothing was repeated."""
    found = MeanOverCells(measure="ece", cells="drawn").fold(cells([0.25]))
    assert found.keys() == {"ece"}
    assert found["ece"].convention == {
        "over": "1 cell (severity, seed)",
        "in each cell": {"bins": 15},
    }
    assert (found["ece"].value, found["ece"].low, found["ece"].n) == (0.25, None, 1)


def test_equal_cells_have_no_interval_and_no_spread() -> None:
    """Where a seed changes nothing the spread is exactly 0, and there is no interval of width 0."""
    found = MeanOverCells(measure="ece", cells="drawn").fold(cells([0.1, 0.1, 0.1]))
    assert (found["ece"].low, found["ece_spread"].value) == (None, 0.0)


def test_a_cell_without_the_measure_is_refused() -> None:
    """The message names the cell, what it has, and how many have it."""
    given = [*cells([0.1, 0.2]), *cells([0.1], "nll")]
    message = (
        r"expected ece in each of 3 cells, 2 have it; the cell severity=3, seed=0 has nll; "
        r"name a measure that every cell has"
    )
    with pytest.raises(InputError, match=message):
        MeanOverCells(measure="ece").fold(given)
    with pytest.raises(InputError, match=r"did you mean ece\?"):
        MeanOverCells(measure="eec").fold(given)
