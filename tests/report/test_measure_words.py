"""A measure that no file of ours knows by name is shown as it says of itself."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from synthetic_steps import report_with

from adversity import MeasureInfo, Sign
from adversity.contracts.values import Measure
from adversity.metrics import share
from adversity.report.doubts.caveats import caveats
from adversity.report.sections.accuracy import accuracy_section
from adversity.report.sections.all_sections import contents
from adversity.report.sections.attacks import attack_section
from adversity.report.sections.restoration import restoration_section
from adversity.report.sections.summary import gate_table, headline_section, summary_charts
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult, GateResult
from adversity.report.words.reading import with_words
from adversity_flows.cli.results import gate_lines, measure_lines
from adversity_flows.cli.terminal import Terminal

if TYPE_CHECKING:
    from adversity.report.values.model import Report


def rows(block: object) -> list[dict[str, str]]:
    """Return the rows of a table by its heads."""
    assert isinstance(block, Table)
    return [dict(zip(block.columns, row, strict=True)) for row in block.rows]


def test_a_share_in_per_cent_is_written_drawn_and_headlined(bare_report: Report) -> None:
    """3 of 4 is 75.0 % in the headline table, the chart and the terminal; its value stays 0.75."""
    info = MeasureInfo(
        0, 1, title="worst class", better="higher", scale="percent", group="accuracy", headline=1
    )
    measure = share(3, 4)
    report = report_with(bare_report, "predictions", "worst", measure, info)
    section = headline_section(report)
    assert section is not None
    first, second = rows(section.blocks[0])
    assert (first["measure"], first["value"]) == ("accuracy", "1.000")
    assert (second["measure"], second["value"]) == ("worst class", "75.0 %")
    # Wilson 1927, for 3 of 4: the roots of (p - 3/4)^2 = z^2 p (1 - p) / 4.
    assert second["interval"] == "[30.1, 95.4]"
    drawn = accuracy_section(report)
    assert drawn is not None
    chart = drawn.charts()[1]
    assert chart.records[0]["value"] == pytest.approx(75.0, rel=1e-12)
    assert '"domain": [0, 100]' in str(chart.spec).replace("'", '"')
    first_screen = {chart.id: chart.records for chart in summary_charts(report)}
    assert [item["value"] for item in first_screen["headline-chart"]] == [1.0]
    assert [item["value"] for item in first_screen["headline-chart-100"]] == [75.0]
    terminal = Terminal(io.StringIO(), colour=False, tty=False, live=False, width=99, unicode=True)
    lines = measure_lines(report, terminal)
    assert [line.split()[1:3] for line in lines[1:]] == [["accuracy", "1.000"], ["worst", "class"]]
    assert "75.0 %" in lines[2]
    kept = report.steps[0].cells[0].measures["worst"]
    assert (kept.value, kept.better, kept.as_json()["value"]) == (0.75, "higher", 0.75)


def test_a_gate_in_per_cent_is_written_and_drawn_on_one_scale(bare_report: Report) -> None:
    """0.75 against a limit of 0.5: 75.0 %, a margin of 25 points, the limit at 50 of 100."""
    info = MeasureInfo(0, 1, scale="percent")
    gate = GateResult(
        "predictions.worst >= 0.5",
        "pass",
        "",
        measure=share(3, 4).known_as(info),
        op=">=",
        limit=0.5,
    )
    report = replace(bare_report, gates=(gate,))
    (row,) = rows(gate_table(report))
    assert (row["value"], row["margin"]) == ("75.0 %", "+25.0 points")
    (chart,) = summary_charts(report)
    assert (chart.records[0]["value"], chart.records[0]["limit"]) == (75.0, 50.0)
    terminal = Terminal(io.StringIO(), colour=False, tty=False, live=False, width=99, unicode=True)
    assert "≥ 50.0 %" in gate_lines(report, terminal)[1]


@pytest.mark.parametrize(
    ("info", "unit", "said", "axis"),
    [
        (MeasureInfo(0, 1, scale="percent"), "", "+5.0 points", ", in points"),
        (MeasureInfo(), "%", "+0.1 points", ", in points"),
        (MeasureInfo(), "dB", "+0.05 dB", ", in dB"),
        (MeasureInfo(0, 1), "", "+0.050", ""),
    ],
)
def test_a_change_of_a_percentage_is_in_points(
    bare_report: Report, info: MeasureInfo, unit: str, said: str, axis: str
) -> None:
    """70 % to 75 % is +5 points: `+5 %` would be 73.5 %. Each unit has an axis of its own."""
    change = Measure(0.05, 3, 0.01, 0.09, unit=unit).known_as(info)
    gate = GateResult("predictions.worst not_worse_than last", "pass", "", measure=change)
    report = replace(bare_report, gates=(replace(gate, change=True, than="last"),))
    (row,) = rows(gate_table(report))
    assert row["value"] == f"change {said}"
    (chart,) = summary_charts(report)
    assert chart.title == f"Gates (change since the last accepted run{axis})"
    terminal = Terminal(io.StringIO(), colour=False, tty=False, live=False, width=99, unicode=True)
    assert said in gate_lines(report, terminal)[1]


def test_two_headline_measures_without_titles_are_told_apart(bare_report: Report) -> None:
    """The first screen calls each by its name, and shows the worst cell of each where there are many."""
    info = MeasureInfo(0, 1, group="accuracy", headline=1, scale="share")
    report = report_with(bare_report, "predictions", "mean_class", share(1, 4), info)
    (chart,) = summary_charts(report)
    names = ["predictions accuracy", "predictions mean class"]
    assert [item["label"] for item in chart.records] == names
    (step,) = report.steps
    cells = tuple(replace(step.cells[0], cell={"severity": str(at)}) for at in range(7))
    many = replace(report, steps=(replace(step, cells=cells),))
    (chart,) = summary_charts(many)
    assert [item["label"] for item in chart.records] == [f"{name} severity = 0" for name in names]


def test_a_group_of_its_own_makes_further_measures(bare_report: Report) -> None:
    """A measure whose group no section takes is drawn under that group, not only listed."""
    info = MeasureInfo(title="spread of groups", unit="points", group="fairness")
    report = report_with(bare_report, "predictions", "spread", Measure(2.5, 3), info)
    part = next(part for part in contents(report).evidence if part.id == "further")
    assert part.blocks[0].lead == "Fairness."  # type: ignore[union-attr]
    assert part.charts()[0].title == "Spread of groups"


def test_quality_and_attack_tables_have_a_column_for_each_measure(full_report: Report) -> None:
    """Another measure of image quality, and another of an attack, stand beside ours."""
    quality = MeasureInfo(title="LPIPS", better="lower", group="quality")
    report = report_with(full_report, "predictions", "lpips", Measure(0.125, 40), quality)
    section = restoration_section(report)
    assert section is not None
    table = next(block for block in section.blocks if getattr(block, "id", "") == "image-quality")
    assert {row["LPIPS"] for row in rows(table)} >= {"0.125 no interval, n = 40"}
    left = MeasureInfo(0, 1, title="top-5 left", group="attack", scale="share")
    report = report_with(full_report, "attacked", "left", share(1, 2), left)
    section = attack_section(report)
    assert section is not None
    table = next(block for block in section.blocks if getattr(block, "id", "") == "attack-results")
    shown = {row["attack"]: row["top-5 left"] for row in rows(table)}
    assert shown["attacked"].startswith("0.500 [")
    assert shown["asking"] == "—"


def test_a_sign_of_a_third_party_voids_an_attack(full_report: Report) -> None:
    """From its limit on a measure that says it is a sign voids the figures of its attack."""
    info = {"stuck": MeasureInfo(sign=Sign(0.5, "of the attacked samples were stuck", "it failed"))}
    (step,) = (item for item in full_report.steps if item.id == "attacked")
    for hits, levels in ((49, []), (50, ["void"])):
        cell = CellResult({}, 100, {"stuck": share(hits, 100)})
        (marked,) = with_words([replace(step, cells=(cell,))], info)
        found = [item for item in caveats((), [marked]) if "were stuck; it failed." in item.text]
        assert [item.level for item in found] == levels


@pytest.mark.parametrize(
    "value",
    ["many", 7, [0.1, "x"], [[0.1], [0.2]], [-1.0, 2.0], [{"n": 3}], {"a": "b"}, [], None],
    ids=repr,
)
def test_details_of_another_author_are_no_curve_of_ours(full_report: Report, value: object) -> None:
    """Whatever stands under names that we use: the report is made, and draws nothing from it.

    These measures come before ours, whose curve would else be taken first.
    """
    sign = Sign(0.5, "of the attacked samples were stuck", "it failed", guess=0.5)
    lists = [
        *({"bins": value}, {"distance": value}, {"distance": value, "robust": value}),
        *({"queries": value, "robust": value}, {"confidence": value, "accuracy": value}),
        {"confidence": value, "accuracy": value, "n": value},
        {"chance": value, "majority": value, "by": value},
        {"confidence": [0.5], "accuracy": [0.5], "n": [], "other": value},
        {"distance": [0.5], "queries": [1], "robust": [], "other": value},
    ]
    report = full_report
    for at, details in enumerate(lists):
        for group in ("uncertainty", "search", "probe"):
            info = MeasureInfo(0, 1, group=group, sign=sign)
            for step in ("clean", "attacked", "asking", "nearest"):
                measure = Measure(0.5, 2, details=details)
                report = report_with(report, step, f"odd_{group}_{at}", measure, info)
    steps = [
        replace(
            step,
            cells=tuple(
                replace(cell, measures=dict(reversed(cell.measures.items()))) for cell in step.cells
            ),
        )
        for step in report.steps
    ]
    charts = contents(replace(report, steps=tuple(steps))).charts
    drawn = {chart.id: chart.records for chart in charts if not chart.id.startswith("odd-")}
    assert drawn == {chart.id: chart.records for chart in contents(full_report).charts}
    stuck = [item.text for item in caveats((), report.steps) if "were stuck" in item.text]
    assert stuck
    assert all(text.endswith("were stuck; it failed.") for text in stuck)
