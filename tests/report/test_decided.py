"""Charts of prediction sets and of estimated numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts.values import Measure
from adversity.report.charts.chart_style import svg
from adversity.report.charts.chosen_rows import of_each_step
from adversity.report.sections.estimates import estimate_charts
from adversity.report.sections.set_sizes import set_sizes_section
from adversity.report.values.decided import Estimate, Estimates, SetSizes, SpreadBin

if TYPE_CHECKING:
    from adversity.report.values.model import Report


def _sizes(step: str, level: int, counts: tuple[int, ...], classes: int = 3) -> SetSizes:
    means = {f"class {at}": Measure(1.0 + at, 20, 0.9 + at, 1.2 + at) for at in range(classes)}
    ranks = {"1": Measure(1.0, 50, 0.9, 1.1), "4 to 6": Measure(3.0, 9, 2.0, 4.0)}
    return SetSizes(step, {"severity": str(level)}, counts, means, ranks)


def test_sets_are_shown_by_size_hardness_and_class(full_report: Report) -> None:
    """Shares of images, of which no set is left out, and means with their intervals."""
    sizes = (_sizes("predictions", 1, (10, 60, 30, 0)), _sizes("predictions", 5, (0, 20, 30, 50)))
    section = set_sizes_section(replace(full_report, set_sizes=sizes))
    assert section is not None
    histogram, by_rank, by_class = section.charts()
    assert [item["value"] for item in histogram.records] == [0.1, 0.6, 0.3, 0.0, 0.0, 0.2, 0.3, 0.5]
    assert "0.600 hold one class and 0.100 none" in histogram.finding
    assert [item["name"] for item in by_rank.records[:2]] == ["1", "4 to 6"]
    assert by_class.records[1]["low"] == 1.9
    for chart in section.charts():
        assert svg(chart).startswith("<svg")


def test_large_sets_share_bars_and_of_many_classes_the_ends_are_drawn(full_report: Report) -> None:
    """Sizes 0 to 10 each by themselves, then ever wider; every image counts once."""
    counts = tuple([1] * 101)
    section = set_sizes_section(
        replace(full_report, set_sizes=(_sizes("predictions", 1, counts, classes=50),))
    )
    assert section is not None
    histogram, _, by_class = section.charts()
    names = [item.get("name", item.get("label")) for item in histogram.records]
    assert names[9:] == ["9", "10", "11 to 20", "21 to 40", "41 to 80", "81 to 100"]
    assert abs(sum(item["value"] for item in histogram.records) - 1) < 1e-9
    assert len(by_class.records) == 20
    assert "Of 50 classes" in by_class.caption


def test_no_sets_no_section(full_report: Report) -> None:
    """A classifier that says one class has none."""
    assert set_sizes_section(full_report) is None


def _estimates(step: str, level: int, half: float | None) -> Estimates:
    shown = tuple(
        Estimate(true, true + 1.0, *((true + 1 - half, true + 1 + half) if half else ()))
        for true in (0.0, 5.0, 9.0)
    )
    bins = (SpreadBin(0.5, Measure(1.0, 20, 0.8, 1.2)),) if half else ()
    return Estimates(step, {"severity": str(level)}, "angle_deg", 40, shown, 0.9, bins)


def test_estimates_are_drawn_against_truth_and_claim(full_report: Report) -> None:
    """What misses is marked, and how much larger errors are than claimed is said."""
    report = replace(full_report, estimates=(_estimates("predictions", 1, 0.5),))
    claimed, against = estimate_charts(report)
    assert "errors are 2.000 times what is claimed" in claimed.finding
    assert claimed.records[0]["x"] == 0.5
    assert {item["state"] for item in against.records} == {"missed"}
    assert "3 of which miss the true number" in against.caption
    assert "3 of 40, chosen by their ids" in against.caption
    for chart in (claimed, against):
        assert svg(chart).startswith("<svg")


def test_estimates_without_a_spread_have_no_bars(full_report: Report) -> None:
    """One chart, without intervals in words or in the drawing."""
    report = replace(full_report, estimates=(_estimates("predictions", 1, None),))
    (chart,) = estimate_charts(report)
    assert "no spread is claimed" in chart.caption
    assert not any(view["mark"]["type"] == "rule" for view in chart.spec["layer"])
    assert svg(chart).startswith("<svg")


def test_the_last_cell_of_each_step_is_drawn_before_any_first_one() -> None:
    """A step more does not cost another one its worst cell."""
    items = [_sizes(step, level, (1,)) for step in ("a", "b", "c") for level in (1, 5)]
    chosen = [(one.step, one.cell["severity"]) for one in of_each_step(items, 4)]
    assert chosen == [("a", "1"), ("a", "5"), ("b", "5"), ("c", "5")]
