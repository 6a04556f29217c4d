"""Restoration, uncertainty and attack evidence is read from the measures as it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.charts.chart_style import MAX_SERIES, svg
from adversity.report.charts.chosen_series import chosen_series
from adversity.report.charts.curves import curve_charts
from adversity.report.sections.all_sections import contents
from adversity.report.sections.attacks import attack_section, unattacked
from adversity.report.sections.budget_curves import budget_curves
from adversity.report.sections.restoration import restoration_section
from adversity.report.sections.uncertainty import uncertainty_section
from adversity.report.values.model import CellResult, Report, StepSummary
from adversity.report.words.reading import with_words
from adversity_plugins.metric.ece import ECE

if TYPE_CHECKING:
    from adversity.report.values.blocks import Chart


def wilson(right: int, n: int) -> Measure:
    """A share with Wilson's interval, in the form of Wilson 1927."""
    z2, share = 1.959963984540054**2, right / n
    half = (z2 * share * (1 - share) / n + z2**2 / (4 * n * n)) ** 0.5 / (1 + z2 / n)
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    return Measure(share, n, centre - half, centre + half, method="wilson")


def chart(report: Report, name: str) -> Chart:
    return next(item for item in contents(report).charts if item.id == name)


def test_curve_has_a_line_for_each_path(full_report: Report) -> None:
    """Accuracy by severity has the clean, the degraded and the restored path."""
    records = chart(full_report, "accuracy-by-severity").records
    by_path: dict[str, list[float]] = {}
    for item in records:
        by_path.setdefault(item["series"], []).append(item["x"])
    assert by_path["photos: dark"] == [1, 2, 3, 4, 5]
    assert by_path["photos: dark → enhanced"] == [1, 2, 3, 4, 5]
    assert by_path["photos: clean"] == [0]


def test_one_chart_chooses_among_many_paths(full_report: Report) -> None:
    """It has as many series as there are colours: the first, the best, and the others by name."""
    step = next(step for step in full_report.steps if step.id == "dark_predictions")

    def lifted(index: int) -> StepSummary:
        cells = tuple(
            replace(
                cell, measures={"accuracy": replace(cell.measures["accuracy"], value=index / 10)}
            )
            for cell in step.cells
        )
        return replace(step, id=f"p{index}", path=(*step.path[:2], f"p{index}"), cells=cells)

    steps = tuple(map(lifted, range(8)))
    [made] = curve_charts(replace(full_report, steps=steps), "accuracy")
    shown = {item["series"] for item in made.records}
    assert shown == {f"clean (p{index})" for index in (0, 3, 4, 5, 6, 7)}
    assert len(shown) == MAX_SERIES
    assert "Left out, 2: clean (p2), clean (p1); the tables have all." in made.caption


def test_of_many_series_left_out_it_is_said_how_many() -> None:
    """A caption of 84 names is no caption."""
    records = [{"series": f"s{at:02}", "value": at / 100} for at in range(90)]
    kept, words = chosen_series(records, "largest")
    assert {row["series"] for row in kept} == {"s00", *(f"s{at}" for at in range(85, 90))}
    assert "Left out, 84; the tables have all." in words


def test_reliability_leaves_out_empty_bins(full_report: Report) -> None:
    """A bin without images has no dot, and counts add up to n."""
    records = chart(full_report, "reliability-clean").records
    assert len(records) == 8
    assert sum(item["n"] for item in records) == 800


def test_reliability_has_a_histogram_where_the_edges_of_bins_are_known(full_report: Report) -> None:
    """Bars from edge to edge; of bins without edges none, and the caption does not speak of them."""
    step = next(step for step in full_report.steps if step.id == "clean")
    measures = dict(step.cells[0].measures)
    assert "how many images" not in chart(full_report, "reliability-clean").caption
    bins = measures["ece"].details["bins"]
    edged = [{**one, "low": at / 10, "high": (at + 1) / 10} for at, one in enumerate(bins)]
    measures["ece"] = replace(measures["ece"], details={"bins": edged})
    other = replace(step, cells=(CellResult({}, 800, measures),))
    section = uncertainty_section(replace(full_report, steps=(other,)))
    assert section is not None
    drawn = section.charts()[0]
    assert [(row["from"], row["to"]) for row in drawn.records] == [
        (at / 10, (at + 1) / 10) for at in range(2, 10)
    ]
    assert "how many images each bin holds" in drawn.caption
    most = max(row["n"] for row in drawn.records)
    assert f"at most {most:,}" in svg(drawn)


def test_reliability_bars_are_wilson(full_report: Report) -> None:
    """Each bar is Wilson's interval of the bin's accuracy."""
    for item in chart(full_report, "reliability-clean").records:
        bar = wilson(1, 1) if item["n"] == 0 else None
        assert bar is None
        z2, n, share = 1.959963984540054**2, item["n"], item["accuracy"]
        for bound in (item["low"], item["high"]):
            # Wilson's bounds solve (share - p)^2 = z^2 p (1 - p) / n.
            assert (share - bound) ** 2 == pytest.approx(z2 * bound * (1 - bound) / n, abs=1e-9)


def test_bins_may_come_as_columns(full_report: Report) -> None:
    """Bins as columns side by side give the same diagram as bins as records."""
    step = next(step for step in full_report.steps if step.id == "clean")
    measures = dict(step.cells[0].measures)
    bins = measures["ece"].details["bins"]
    columns = {key: [item[key] for item in bins] for key in bins[0]}
    measures["ece"] = replace(measures["ece"], details=columns)
    other = replace(step, cells=(CellResult({}, 800, measures),))
    sections = [
        uncertainty_section(replace(full_report, steps=(chosen,))) for chosen in (step, other)
    ]
    assert sections[0] is not None
    assert sections[1] is not None
    assert sections[0].charts()[0].records == sections[1].charts()[0].records


def test_attack_curve_starts_at_the_clean_accuracy(full_report: Report) -> None:
    """At eps 0 stands the accuracy of what was attacked; budgets are in levels."""
    records = chart(full_report, "robust-accuracy-linf").records
    own = [item for item in records if item["series"].startswith("attacked")]
    assert [item["x"] for item in own] == [0, 1, 2, 4, 8]
    assert [item["value"] for item in own] == [0.86, 0.71, 0.52, 0.24, 0.03]


@pytest.mark.parametrize("scale", ["share", "percent"])
@pytest.mark.parametrize("count", [1, 4])
def test_before_and_after_an_attack_are_drawn_on_one_scale(
    full_report: Report, scale: Any, count: int
) -> None:
    """86 % before and 71 % after, in per cent, whatever scale the measure without attack has."""
    (attack,) = (step for step in full_report.steps if step.id == "attacked")
    (clean,) = (step for step in full_report.steps if step.id == "clean")
    info = MeasureInfo(0, 1, title="left", group="attack", scale="percent", unattacked="accuracy")
    cells = tuple(
        replace(cell, measures={"left": wilson(71, 100).known_as(info)})
        for cell in attack.cells[:count]
    )
    before = wilson(86, 100).known_as(MeasureInfo(0, 1, group="accuracy", scale=scale))
    whole = replace(clean.cells[0], measures={"accuracy": before})
    steps = (replace(clean, cells=(whole,)), replace(attack, cells=cells))
    (made,) = budget_curves(replace(full_report, steps=steps), steps[1:])
    # A rounding of 100 * k/n off. One budget alone is a row, without a curve from 0.
    values = [86, 71, 71, 71, 71] if count == 4 else [71]
    assert [item["value"] for item in made.records] == pytest.approx(values, rel=1e-12)
    assert made.heads["value"] == "left (%)"
    assert "left (%)" in str(made.spec)


def test_clean_accuracy_is_found_through_scores(full_report: Report) -> None:
    """An attack on a score step finds the accuracy of the predictions behind it."""
    attack = next(step for step in full_report.steps if step.id == "attacked")
    clean = next(step for step in full_report.steps if step.id == "clean")
    score = replace(clean, id="confidence", makes="scores", source=("clean",), cells=())
    report = replace(full_report, steps=(clean, score, attack))
    found = unattacked(report, replace(attack, against="confidence"), {"eps": "1/255"})
    assert found is clean.cells[0].measures["accuracy"]


def test_circular_sources_end(full_report: Report) -> None:
    """A step that names itself as its source does not hang the report."""
    attack = next(step for step in full_report.steps if step.id == "attacked")
    loop = replace(attack, id="loop", source=("loop",), cells=())
    report = replace(full_report, steps=(loop,))
    assert unattacked(report, replace(attack, against="loop"), {}) is None


def test_no_attack_no_section(bare_report: Report) -> None:
    """The section on attacks is there only if something attacked."""
    assert attack_section(bare_report) is None


def test_infinite_values_are_left_to_the_tables(bare_report: Report) -> None:
    """An infinite value has no place on an axis; the caption says that it is missing."""
    step = bare_report.steps[0]
    cells = tuple(
        CellResult({"severity": name}, 3, {"psnr_db": Measure(value, 3, 1.0, high, unit="dB")})
        for name, value, high in (
            ("1", float("inf"), 9.0),
            ("2", 5.0, float("inf")),
            ("3", 4.0, 6.0),
        )
    )
    (made,) = curve_charts(replace(bare_report, steps=(replace(step, cells=cells),)), "psnr_db")
    assert [(item["value"], item["high"]) for item in made.records] == [(5.0, 5.0), (4.0, 6.0)]
    assert "Not drawn: 2 infinite values" in made.caption


def test_a_score_step_is_no_line_of_its_own(full_report: Report) -> None:
    """A step that repeats the numbers of the predictions it reads is not drawn again."""
    clean = next(step for step in full_report.steps if step.id == "clean")
    echo = replace(
        clean, id="doubt", kind="uncertainty", makes="scores", path=("photos", "clean", "doubt")
    )
    better = replace(clean.cells[0].measures["ece"], value=0.01)
    calibrated = replace(echo, id="confidence", cells=(CellResult({}, 800, {"ece": better}),))
    scores = replace(
        echo,
        id="doubts",
        cells=tuple(replace(echo.cells[0], cell={"score": name}) for name in ("margin", "energy")),
    )
    report = replace(full_report, steps=(clean, echo, scores, calibrated))
    (made,) = curve_charts(report, "ece")
    assert [item["label"] for item in made.records] == ["clean (clean)", "clean (confidence)"]


def test_control_claims_no_knowledge(full_report: Report) -> None:
    """Random noise is called the control, not a white-box attack."""
    control = next(step for step in full_report.steps if step.id == "control")
    section = attack_section(replace(full_report, steps=(control,)))
    assert section is not None
    said = " ".join(getattr(block, "text", "") for block in section.blocks)
    assert "It is the control" in said
    assert "White-box" not in said


def test_without_a_restoration_the_section_speaks_of_quality_alone(full_report: Report) -> None:
    """No gain, no harm and no restoration: the tables stand under what they are."""
    steps = tuple(step for step in full_report.steps if step.kind != "restoration")
    with_one = restoration_section(replace(full_report, gains=()))
    without = restoration_section(replace(full_report, gains=(), steps=steps))
    assert with_one is not None
    assert without is not None
    titles = (with_one.title, without.title)
    assert titles == ("Restoration: gain and harm", "Image quality")


def test_a_calibrated_step_has_a_reliability_diagram(full_report: Report) -> None:
    """However many steps and cells come before it: each step is drawn once before any twice."""
    bins = [{"confidence": 0.8, "accuracy": 0.7, "n": 10}]
    cells = tuple(
        CellResult({"k": str(k)}, 10, {"ece": Measure(0.1 + k / 100, 10, details={"bins": bins})})
        for k in range(3)
    )
    step = next(step for step in full_report.steps if step.kind == "classifier")
    many = tuple(replace(step, id=f"p{i}", path=("photos", f"v{i}"), cells=cells) for i in range(7))
    shifted = tuple(
        replace(cell, measures={"ece": replace(cell.measures["ece"], value=0.01)}) for cell in cells
    )
    scaled = replace(step, id="scaled", kind="uncertainty", path=("photos", "v0"), cells=shifted)
    steps = with_words((*many, scaled), ECE.declared())
    section = uncertainty_section(replace(full_report, steps=steps))
    assert section is not None
    drawn = [item.id for item in section.charts() if item.id.startswith("reliability-")]
    assert len(drawn) == 6
    assert "reliability-scaled-k-0" in drawn
    assert len({name.rsplit("-k-", 1)[0] for name in drawn}) == 6
