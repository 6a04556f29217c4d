"""Plots that measures bring along: drawn, refused, and several curves on one x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from synthetic_steps import report_with

from adversity import MeasureInfo, Plot
from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.report import write_plots
from adversity.report.charts.chart_style import svg
from adversity.report.sections.uncertainty import uncertainty_section

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report


@pytest.mark.parametrize(
    ("plot", "records"),
    [
        (Plot("bars", ["a", "b"], [1, 2]), [{"name": "a", "value": 1}, {"name": "b", "value": 2}]),
        (Plot("histogram", [0, 1, 3], [4, 5]), [{"from": 0, "to": 1, "value": 4}]),
        (Plot("line", [0, 1], [2, 3], "place"), [{"series": "clean", "x": 0, "value": 2}]),
        (Plot("steps", [0, 1], [3, 2]), [{"x": 1, "value": 2}]),
        (
            Plot("histogram", [0, 1, 3], {"known": [4, 5], "unknown": [1, 6]}),
            [
                {"series": "clean, known", "x": 1, "value": 5},
                {"series": "clean, known", "x": 3, "value": 5},
                {"series": "clean, unknown", "x": 0, "value": 1},
            ],
        ),
    ],
    ids=lambda value: getattr(value, "form", ""),
)
def test_a_plot_that_a_measure_brings_is_drawn(
    bare_report: Report, tmp_path: Path, plot: Plot, records: list[dict[str, object]]
) -> None:
    """In the section of its group, with the values it gave, and as data of `dvc plots`."""
    info = MeasureInfo(title="spread", group="uncertainty")
    measure = Measure(1.0, 3, details={"plot": plot.as_json()})
    report = report_with(bare_report, "predictions", "spread", measure, info)
    section = uncertainty_section(report)
    assert section is not None
    (chart,) = (chart for chart in section.charts() if "plot" in chart.id)
    for record in records:
        assert any(record.items() <= dict(drawn).items() for drawn in chart.records)
    if "" in plot.curves:
        assert len(chart.records) == len(plot.y)
    else:
        assert len(chart.records) == 6, "each goes on to its last edge"
    if plot.form in ("line", "steps"):
        assert "n = 3 for each measure." in chart.caption
    assert svg(chart).startswith("<svg")
    assert tmp_path / f"{chart.id}.csv" in write_plots(report, tmp_path)


def test_bars_of_the_same_names_stand_in_one_chart(full_report: Report) -> None:
    """The seeds of each cell side by side; bars with other names have a chart of their own."""
    info = MeasureInfo(title="spread", group="uncertainty")
    report = full_report
    for step, names, value in (
        ("clean", ["0", "1"], 0.25),
        ("predictions", ["0", "1"], 0.75),
        ("dark_predictions", ["a", "b"], 0.5),
    ):
        plot = Plot("bars", names, [value, 2 * value], "seed", "spread")
        measure = Measure(value, 2, details={"plot": plot.as_json()})
        report = report_with(report, step, "spread", measure, info)
    section = uncertainty_section(report)
    assert section is not None
    together, apart = (chart for chart in section.charts() if chart.id.startswith("spread-plot"))
    series = [record["series"] for record in together.records]
    assert list(dict.fromkeys(series)) == [
        "clean", *(f"dark → enhanced, severity = {k}" for k in range(1, 6)),
    ]  # fmt: skip
    assert [record["value"] for record in together.records] == [0.25, 0.5, *[0.75, 1.5] * 5]
    assert "lowest for clean, 0.25" in together.finding
    assert {record["name"] for record in apart.records} == {"a", "b"}
    assert svg(together).startswith("<svg")


def test_of_many_curves_two_charts_are_drawn_and_the_rest_is_counted(bare_report: Report) -> None:
    """Forty curves of one measure: 12 on the page, and the last caption says how many are left."""
    curves = {f"c{at:02}": [0.0, 1.0] for at in range(40)}
    measure = Measure(0.5, 9, details={"plot": Plot("line", [0, 1], curves).as_json()})
    info = MeasureInfo(title="spread", group="uncertainty")
    report = report_with(bare_report, "predictions", "spread", measure, info)
    section = uncertainty_section(report)
    assert section is not None
    charts = [chart for chart in section.charts() if chart.id.startswith("spread-plot")]
    assert len(charts) == 2
    assert "28 more curves: in the JSON of this report." in charts[-1].caption
    assert not any("more curve" in chart.caption for chart in charts[:-1])


@pytest.mark.parametrize(
    ("form", "x", "y", "said"),
    [
        ("pie", [0.0], [1.0], "one of line, steps, histogram, bars"),
        ("line", [0.0], [1.0, 2.0], "2 values of y needs 2 of x, got 1"),
        ("histogram", [0.0], [1.0], "needs 2 of x"),
        ("line", [], [], "needs some of x"),
        ("line", [0.0], [float("nan")], "every y"),
        ("line", [float("inf")], [1.0], "every x"),
        ("steps", [1.0, 1.0], [1.0, 2.0], "must rise"),
        ("bars", ["a", "a"], [1.0, 2.0], "names, each once"),
        ("line", [0.0, 1.0], {"a": [1.0, 2.0], "b": [1.0]}, "1 values of y needs 1 of x, got 2"),
        ("line", [0.0], {}, "y must hold some curve"),
        ("bars", ["a"], {"one": [1.0]}, "bars needs one curve"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused(form: Any, x: list[Any], y: Any, said: str) -> None:
    """It is refused where it is made, with what was wrong."""
    with pytest.raises(DataError, match=said):
        Plot(form, x, y)


def test_long_names_stand_above_bars_that_lie(full_report: Report) -> None:
    """Names of sub-populations under upright bars would be cut and leave these no height."""
    names = ["background = land, label = waterbird", "background = water, label = landbird"]
    info = MeasureInfo(title="worst group", group="uncertainty")
    report = full_report
    for step, values in (("clean", [0.5, 0.75]), ("predictions", [0.25, 0.5])):
        plot = Plot("bars", names, values, "sub-population", "accuracy")
        measure = Measure(values[0], 9, details={"plot": plot.as_json()})
        report = report_with(report, step, "worst", measure, info)
    section = uncertainty_section(report)
    assert section is not None
    (chart,) = (chart for chart in section.charts() if chart.id.startswith("worst-plot"))
    assert {"row": 1, "label": names[1], "series": "clean", "value": 0.75} in chart.records
    drawing = svg(chart)
    assert all(name in drawing for name in names), "none is cut"
    assert "rotate(-90" not in drawing.replace(" ", "")


def test_axes_of_shares_end_at_0_and_1(bare_report: Report) -> None:
    """A curve of recall goes to 1, and its axis no further."""
    plot = Plot("line", [0.01, 0.5, 1.0], [1.0, 0.9, 0.4], "recall", "precision")
    measure = Measure(0.9, 9, details={"plot": plot.as_json()})
    info = MeasureInfo(title="AUPR", group="uncertainty")
    section = uncertainty_section(report_with(bare_report, "predictions", "aupr", measure, info))
    assert section is not None
    (chart,) = (chart for chart in section.charts() if "plot" in chart.id)
    assert chart.spec["layer"][0]["encoding"]["x"]["scale"] == {"domain": [0, 1]}
