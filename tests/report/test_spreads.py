"""Boxes over what a metric folded: against numbers of a sort of its own, and only where they help."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from adversity import MeasureInfo, Plot
from adversity.contracts.values import Measure
from adversity.report.charts.chart_style import svg
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.charts.spreads import charts_of
from adversity.report.values.model import CellResult, StepSummary

if TYPE_CHECKING:
    from adversity.report.values.model import Report

CORRUPTIONS = ["noise", "blur", "snow", "fog", "frost"]
INFO = MeasureInfo(0.0, 1.0, title="ECE", better="lower", group="uncertainty")
METHODS = ("plain", "scaled", "sampled", "joined", "pooled", "mixed", "sharp")


def values(method: int, severity: int) -> list[float]:
    """Five values that no other cell has."""
    return (np.array([0.1, 0.5, 0.2, 0.4, 0.35]) / (1 + method) * severity / 5).tolist()


def folding(method: int, severities: range, names: list[str]) -> StepSummary:
    """A step that folds the corruptions of another one."""
    cells = []
    for severity in severities:
        own = values(method, severity)[: len(names)]
        plot = Plot("bars", names, own, "corruption", "ECE")
        mean = Measure(float(np.mean(own)), len(own), details={"plot": plot.as_json()}, info=INFO)
        cells.append(CellResult({"severity": str(severity)}, len(own), {"ece": mean}))
    name = METHODS[method]
    return StepSummary(
        f"ece_{name}",
        "metric/mean_over_cells",
        "metric",
        "measure",
        source=(name,),
        path=("test", name, f"ece_{name}"),
        cells=tuple(cells),
    )


def folded(report: Report, methods: int, severities: range, names: list[str]) -> Report:
    """A report with some methods folded, and nothing else."""
    steps = tuple(folding(method, severities, names) for method in range(methods))
    return replace(report, steps=steps)


def test_each_box_is_of_the_folded_values(bare_report: Report) -> None:
    """Ends, quartiles and median of all five, at each severity, in the colours of six methods."""
    report = folded(bare_report, 7, range(1, 4), CORRUPTIONS)
    charts = [chart for chart in charts_of(report, "ece") if "over" in chart.id]
    assert [chart.id for chart in charts] == ["ece-over-corruption", "ece-over-corruption-2"]
    rows = [row for chart in charts for row in chart.records]
    assert len(rows) == 7 * 3
    for row in rows:
        own = sorted(values(METHODS.index(row["series"]), int(row["x"])))
        drawn = [row[key] for key in ("low", "lower", "value", "upper", "high")]
        assert drawn == pytest.approx(own), "of five values the quartiles are values"
        assert row["n"] == 5
    assert "no interval of an estimate" in charts[0].caption
    assert svg(charts[0]).count("<path") > 6 * 3


def test_the_means_are_lines_of_all_methods_and_no_bars_are_left(bare_report: Report) -> None:
    """None is left out as the seventh line; the bars that the boxes sum up are not drawn again."""
    report = folded(bare_report, 7, range(1, 4), CORRUPTIONS)
    lines = [chart for chart in charts_of(report, "ece") if "-by-" in chart.id]
    points = {(row["series"], row["x"]): row["value"] for chart in lines for row in chart.records}
    assert len(points) == 7 * 3
    assert points["sampled", 3] == pytest.approx(np.mean(values(2, 3)))
    assert list(measure_plots(report, "uncertainty")) == []


@pytest.mark.parametrize(
    ("methods", "severities", "names"),
    [
        (1, range(1, 4), CORRUPTIONS),
        (7, range(1, 4), CORRUPTIONS[:4]),
        (7, range(2, 3), CORRUPTIONS),
    ],
    ids=["bars hold it", "too few for quartiles", "nothing to lie along"],
)
def test_elsewhere_bars_stay(
    bare_report: Report, methods: int, severities: range, names: list[str]
) -> None:
    """Where one chart of bars holds all, of four values, and at one severity alone."""
    report = folded(bare_report, methods, severities, names)
    assert not [chart for chart in charts_of(report, "ece") if "over" in chart.id]
    assert list(measure_plots(report, "uncertainty"))
