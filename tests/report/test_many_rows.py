"""Charts of many rows and bars: short, with names in front, and those that matter among them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from synthetic_steps import KNOWN, share
from test_chart_kinds import invalid

from adversity import Plot
from adversity.contracts.values import Measure
from adversity.report.charts.chart_kinds import lines, points
from adversity.report.charts.chart_style import svg, with_data
from adversity.report.charts.curves import curve_charts
from adversity.report.charts.forest import few_rows, row_chart
from adversity.report.charts.named_bars import named_bars
from adversity.report.charts.revisions import over_each_other
from adversity.report.values.blocks import Chart, Table
from adversity.report.values.model import CellResult, Report, StepSummary
from adversity.report.words.reading import panel, with_words
from adversity.report.writers.page_parts import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

NOISES = tuple(f"noise_{letter}" for letter in "abcdefghijklmno")


def texts(chart: Chart) -> list[str]:
    """Return what is written in the drawing."""
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg(chart))


def rows(count: int) -> list[tuple[str, Measure]]:
    """Rows with names as short as those of corruptions, their values in no order."""
    values = [(7 * at) % count / count for at in range(count)]
    return [(f"row {at}", Measure(value, 9, value, value)) for at, value in enumerate(values)]


def test_of_48_rows_the_ends_are_drawn_by_value_and_all_are_counted() -> None:
    """12 from either end, the smallest first: 48 rows are looked through by nobody."""
    drawn, words = few_rows(rows(48))
    values = [measure.value for _, measure in drawn]
    every = sorted(measure.value for _, measure in rows(48))
    assert values == [*every[:12], *every[-12:]]
    assert "of 48 the 12 with the smallest and the 12 with the largest" in words
    assert few_rows(rows(24)) == (rows(24), "")


def test_short_names_of_many_rows_stand_in_front() -> None:
    """A row is then as high as its text, whole names are in the drawing; long ones stay above."""
    close = row_chart("k", "t", rows(24))
    assert {f"row {at}" for at in range(24)} <= {*texts(close)}
    long = row_chart("k", "t", [(f"{label} {'x' * 40}", value) for label, value in rows(24)])
    assert 1.7 * close.spec["height"] < long.spec["height"]
    assert "padding" not in long.spec


def bars(names: tuple[str, ...], *series: str, title: str = "corruption") -> Chart:
    """Draw bars with these names, of one or more series."""
    plots = {
        one: Plot("bars", names, [at / len(names) for at in range(len(names))], title, "accuracy")
        for one in series or ("",)
    }
    heads = {"series": "path", "name": title, "label": title, "value": "accuracy"}
    return named_bars(plots, id="b", title="Accuracy", finding="f", caption="c", heads=heads)


def test_bars_of_two_variables_are_a_matrix() -> None:
    """75 bars would be five screens; 15 rows with a number for each severity are half of one."""
    names = tuple(f"{noise}, {severity}" for noise in NOISES for severity in "12345")
    chart = bars(names, title="corruption, severity")
    assert chart.spec["height"] < 450
    assert {*NOISES, *"12345"} <= {*texts(chart)}
    assert chart.records[6] == {"name": "noise_b", "column": "2", "value": 6 / 75}
    assert (chart.heads["name"], chart.heads["column"]) == ("corruption", "severity")
    assert "0 to 0.9867" in chart.caption


@pytest.mark.parametrize(
    "names",
    [
        tuple(f"{noise}, {severity}" for noise in NOISES for severity in "12345")[:-1],
        tuple(f"noise_{letter}, {at}" for letter in "abc" for at in range(5)),
        tuple(f"{noise}, {at}" for noise in NOISES for at in range(20)),
    ],
    ids=["one is missing", "few", "too many columns"],
)
def test_what_is_no_matrix_stays_bars(names: tuple[str, ...]) -> None:
    """A pair that is missing would be a hole, and few bars need none."""
    assert "'rect'" not in str(bars(names).spec)


@pytest.mark.parametrize("series", [("",), ("raw", "denoised")])
def test_bars_of_many_short_names_have_them_in_front(series: tuple[str, ...]) -> None:
    """All of them, once, whatever the number of series."""
    chart = bars(NOISES, *series)
    assert [text for text in texts(chart) if text in NOISES] == [*NOISES]
    assert chart.spec["height"] < 650


def test_the_forms_are_vega_lite() -> None:
    """Names in front, a matrix, and a matrix for each of several revisions."""
    matrix = bars(tuple(f"{noise}, {at}" for noise in NOISES for at in range(5)))
    for spec in (
        points(x="accuracy", rows=12, beside=90),
        bars(NOISES).spec,
        bars(NOISES, "raw", "denoised").spec,
        matrix.spec,
    ):
        assert invalid({**spec, "data": {"values": []}}) == ""
    several = over_each_other(with_data(matrix))
    assert several["facet"]["row"]["field"] == "rev"
    assert several["data"]["values"]
    assert "data" not in several["spec"]


def test_ticks_of_a_budget_are_written_as_they_are() -> None:
    """0.05 beside 0.5 is no 0.1: the format that Vega takes by itself is for even steps."""
    records = [
        {"series": "pgd", "x": x, "value": 0.5, "low": 0.5, "high": 0.5, "n": 9}
        for x in (0.0, 0.05, 0.5)
    ]
    ticks = tuple(record["x"] for record in records)
    spec = lines(("pgd",), x="eps", y="accuracy", ticks=ticks)
    assert {"0", "0.05", "0.5"} <= {*texts(Chart("k", "t", "", "", tuple(records), spec))}


def curves(report: Report, variable: str, side: Any) -> Mapping[str, Any]:
    """Draw eight values of a variable at three severities, the first the best, and what is shown."""
    cells = tuple(
        CellResult(
            {variable: f"one_{letter}", "severity": str(level)},
            50,
            {"accuracy": share(0.9 - 0.1 * at, 50)},
        )
        for at, letter in enumerate("abcdefgh")
        for level in (1, 2, 3)
    )
    path = ("photos", "worse", "net")
    step = StepSummary("net", "classifier/net", "classifier", "predictions", path=path, cells=cells)
    report = replace(
        report, steps=with_words((step,), KNOWN), sides={variable: side, "severity": "condition"}
    )
    (chart,) = curve_charts(report, "accuracy")
    return {"series": {record["series"] for record in chart.records}, "caption": chart.caption}


def test_of_many_conditions_the_worst_are_drawn_and_of_methods_the_best(
    bare_report: Report,
) -> None:
    """The five mildest of fifteen corruptions would look as if none did harm."""
    worst = curves(bare_report, "corruption", "condition")
    shown = {name.rpartition("one_")[2] for name in worst["series"]}
    assert shown == {"a", *"defgh"}, "the first, and the five with the smallest accuracy"
    assert "with the smallest mean" in worst["caption"]
    best = curves(bare_report, "calibrator", "method")
    assert {name.rpartition("one_")[2] for name in best["series"]} == {*"abcdef"}


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ({"corruption": "snow", "severity": "3"}, "snow"),
        ({"eps": "4/255", "fit": "true"}, "eps = 4/255, fit = true"),
        ({"severity": "3"}, ""),
    ],
    ids=["a name", "a number and a yes", "the axis alone"],
)
def test_names_in_legends_go_without_their_variable(cell: Mapping[str, str], text: str) -> None:
    """A legend has room for some fifty letters; a number alone would be a riddle."""
    assert panel(cell, "severity") == text


@pytest.mark.parametrize(
    ("columns", "count", "shaded", "classes"),
    [(7, 3, False, "cards"), (76, 2, False, ""), (6, 60, False, ""), (6, 3, True, "")],
    ids=["few rows", "wide", "long", "a matrix"],
)
def test_few_rows_alone_are_cards_on_a_telephone(
    columns: int, count: int, shaded: bool, classes: str
) -> None:
    """A table of 76 columns as cards was a page of a hundred screens."""
    heads = tuple(map(str, range(columns)))
    shades = ((0,) * (columns - 1),) * count if shaded else ()
    table = Table("t", "c", heads, (heads,) * count, shades=shades)
    macros: Any = environment().get_template("blocks.html.j2").module
    found = re.search(r'<table id="t-t"(?: class="([^"]*)")?', macros.render_table(table))
    assert found is not None
    assert (found[1] or "") == classes
