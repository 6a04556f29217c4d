"""Which rows a chart has where there are many: those that matter, and words on the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from synthetic_steps import KNOWN, share

from adversity.contracts.values import Measure
from adversity.report.charts.chosen_rows import ends_of
from adversity.report.sections.summary import summary_charts
from adversity.report.values.model import CellResult, Report, StepSummary
from adversity.report.words.reading import with_words

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 12, 13, 40])
@pytest.mark.parametrize("most", [2, 3, 12])
def test_no_row_between_the_ends_is_more_extreme_than_they_are(
    count: int, most: int, first: bool
) -> None:
    """As many as there may be, each once, in order; what is left out lies between. Some are equal."""
    values = np.random.default_rng(count + most).integers(0, 9, count).tolist()
    taken = ends_of(values, most, first=first)
    assert taken == sorted(set(taken))
    assert len(taken) == min(len(values), most)
    left = [values[at] for at in range(len(values)) if at not in taken]
    if not left:
        return
    free = [values[at] for at in taken if not (first and at == 0)]
    assert not first or taken[0] == 0
    below = sum(value <= min(left) for value in free)
    above = sum(value >= max(left) for value in free)
    assert below >= -(-len(free) // 2)
    assert above >= len(free) // 2


def answers(step: str, means: Mapping[str, float], measure: str = "accuracy") -> StepSummary:
    """Predictions in a cell for each severity."""
    cells = tuple(
        CellResult(
            {"severity": at},
            50,
            {measure: share(value, 50) if measure == "accuracy" else Measure(value, 50)},
        )
        for at, value in means.items()
    )
    makes = "predictions" if measure == "accuracy" else "numbers"
    path = ("photos", f"view_{step}", step)
    return StepSummary(step, "classifier/net", "classifier", makes, path=path, cells=cells)


def drawn(report: Report, *steps: StepSummary) -> tuple[list[tuple[str, float]], str]:
    """Return label and value of each row of the only chart of the first screen, and its caption."""
    (chart,) = summary_charts(replace(report, steps=with_words(steps, KNOWN), gates=()))
    return [(row["label"], row["value"]) for row in chart.records], chart.caption


def test_up_to_twelve_rows_are_all_drawn(bare_report: Report) -> None:
    """And nothing is said of any left out."""
    rows, caption = drawn(bare_report, answers("a", {str(at): at / 20 for at in range(12)}))
    assert len(rows) == 12
    assert "Drawn" not in caption


def test_of_more_rows_each_step_has_its_worst(bare_report: Report) -> None:
    """Three steps in five cells: three rows, and where the other twelve are."""
    steps = [
        answers(name, {str(at): (base + at) / 20 for at in range(5)})
        for base, name in enumerate("abc")
    ]
    rows, caption = drawn(bare_report, *steps)
    assert rows == [("a severity = 0", 0.0), ("b severity = 0", 0.05), ("c severity = 0", 0.1)]
    assert caption.endswith(
        "Drawn: the worst cell of each step, 3 of 15 figures; the table of headline measures has all."
    )


def test_of_many_steps_the_first_and_both_ends_are_drawn(bare_report: Report) -> None:
    """Twenty steps: the first, the six with the smallest and the five with the largest value."""
    values = [(7 * at) % 20 / 20 for at in range(20)]
    steps = [answers(f"s{at}", {"1": value}) for at, value in enumerate(values)]
    rows, caption = drawn(bare_report, *steps)
    rest = sorted(values[1:])
    ends = {values[0], *rest[:6], *rest[-5:]}
    assert [value for _, value in rows] == pytest.approx([v for v in values if v in ends])
    assert "Drawn, 12 of 20 figures" in caption
    assert "of 20 steps the first, the 6 with the smallest and the 5 with the largest" in caption


def test_errors_are_on_the_first_screen_and_the_worst_is_the_largest(bare_report: Report) -> None:
    """Of 14 cells of one regressor that with the largest RMSE, under the measure's name."""
    steps = answers("angle", {str(at): 1.0 + at for at in range(14)}, "rmse")
    rows, caption = drawn(bare_report, steps)
    assert rows == [("angle severity = 13", 14.0)]
    assert "1 of 14 figures" in caption


def test_what_has_no_axis_in_common_has_a_chart_of_its_own(bare_report: Report) -> None:
    """An RMSE of 6 and a gain in RMSE of -3 are no two places on one scale."""
    gain = replace(answers("gain", {"1": -3.0}, "rmse_gain"), makes="measure", kind="metric")
    steps = with_words((answers("angle", {"1": 6.0}, "rmse"), gain), KNOWN)
    first, second = summary_charts(replace(bare_report, steps=steps, gates=()))
    assert (first.title, second.title) == ("RMSE", "Gain in RMSE")
    assert [row["value"] for row in (*first.records, *second.records)] == [6.0, -3.0]
    assert first.id != second.id
