"""Charts and tables of searches show the curves that the measures hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.contracts.values import Measure
from adversity.metrics import failures_found
from adversity.report.sections.attacks import attack_section
from adversity.report.sections.searches import distance_charts, query_charts
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult, StepSummary
from adversity.report.words.reading import with_words
from adversity_plugins.metric.attack_cost import AttackCost
from adversity_plugins.metric.failure_distance import FailureDistance

if TYPE_CHECKING:
    from adversity.report.values.model import Report


def searching(
    name: str, norm: str = "l2", *, measure: Measure | None, black: bool = False
) -> StepSummary:
    """A step with one cell of 4 images and its curve."""
    found = {"queries_to_fool" if black else "failure_distance": measure} if measure else {}
    made = StepSummary(
        name,
        "attack/method",
        "attack",
        "adversarial",
        ("photos",),
        ("photos", name),
        against="clean",
        knowledge="white-box",
        threat={
            "type": "norm" if black else "minimum",
            "access": "decisions" if black else "gradients",
            "norm": norm,
            **({} if black else {"nearest": True}),
        },
        cells=(CellResult({}, 4, found, parameters={"norm": norm}),),
    )
    return with_words([made], {**FailureDistance.declared(), **AttackCost.declared()})[0]


def curve(along: str, *points: tuple[float, float]) -> Measure:
    """A median with its curve."""
    at, robust = zip(*points, strict=True)
    return Measure(at[1], 4, details={along: list(at), "robust": list(robust)})


def test_distance_has_a_chart_for_each_norm() -> None:
    """Curves of two norms are never in one chart; linf distances are in levels."""
    steps = [
        searching("a", "l2", measure=curve("distance", (0.0, 0.75), (0.5, 0.25))),
        searching("b", "linf", measure=curve("distance", (0.0, 1.0), (4 / 255, 0.5))),
        searching("c", "l2", measure=curve("distance", (0.0, 0.5), (0.2, 0.0))),
    ]
    euclid, largest = distance_charts(steps)
    assert {item["series"] for item in euclid.records} == {
        "a (method, white-box)",
        "c (method, white-box)",
    }
    # 4/255 in levels; 1e-6: records keep six decimals.
    assert [item["x"] for item in largest.records] == pytest.approx([0, 4], abs=1e-6)
    assert [item["value"] for item in largest.records] == [1.0, 0.5]


def test_a_curve_goes_on_to_the_end_of_the_axis() -> None:
    """What was robust at the last failure found stays so as far as the other curves go."""
    steps = [
        searching("near", measure=curve("distance", (0.0, 0.75), (0.2, 0.5))),
        searching("far", measure=curve("distance", (0.0, 0.75), (0.9, 0.0))),
    ]
    (made,) = distance_charts(steps)
    near = [(item["x"], item["value"]) for item in made.records if "near" in item["series"]]
    assert near == [(0.0, 0.75), (0.2, 0.5), (0.9, 0.5)]


def test_a_share_has_wilsons_interval() -> None:
    """2 of 4 have Wilson's bounds, the roots of (p - 1/2)^2 = z^2 p (1 - p) / 4."""
    (made,) = distance_charts([searching("a", measure=curve("distance", (0.0, 1.0), (0.3, 0.5)))])
    item = made.records[-1]
    z2 = 1.959963984540054**2
    for bound in (item["low"], item["high"]):
        assert (bound - 0.5) ** 2 == pytest.approx(z2 * bound * (1 - bound) / 4, abs=1e-12)
    assert item["low"] < 0.5 < item["high"]


def test_what_withstood_is_named_where_it_has_no_curve() -> None:
    """A step without a median has no curve, and the caption says which and why."""
    steps = [
        searching("weak", measure=curve("queries", (0.0, 1.0), (30.0, 0.25)), black=True),
        searching("strong", measure=None, black=True),
    ]
    (made,) = query_charts(steps)
    assert "most of its images withstood: strong (method, black-box)" in made.caption
    assert not list(query_charts(steps[1:]))


def test_a_curve_without_a_median_is_drawn() -> None:
    """Most images have no failure at all: the share of those that have one holds the curve."""
    found = failures_found([float("inf"), 0.5, float("inf"), float("inf")], norm="l2")
    step = searching("strong", measure=None)
    (cell,) = step.cells
    found = found.known_as(FailureDistance.declared()["failures_found"])
    step = replace(step, cells=(replace(cell, measures={"failures_found": found}),))
    (made,) = distance_charts([step])
    assert [(item["x"], item["value"]) for item in made.records] == [(0.0, 1.0), (0.5, 0.75)]
    assert "Without a curve" not in made.caption


def test_queries_are_of_those_that_only_ask_and_are_no_control() -> None:
    """Neither an attack with gradients nor the control has a curve over queries."""
    asking = searching("asking", measure=curve("queries", (0.0, 1.0), (9.0, 0.5)), black=True)
    control = replace(asking, id="control", threat={**asking.threat, "control": True})
    computing = replace(asking, id="computing", threat={**asking.threat, "access": "gradients"})
    (made,) = query_charts([asking, control, computing])
    assert {item["series"] for item in made.records} == {"asking (method, black-box)"}


def test_cost_and_medians_are_in_the_tables(full_report: Report) -> None:
    """Queries for each image are beside robust accuracy; medians have a table of their own."""
    section = attack_section(full_report)
    assert section is not None
    tables = {block.id: block for block in section.blocks if isinstance(block, Table)}
    results = tables["attack-results"]
    place = results.columns.index("queries")
    by_step = {row[0]: row[place] for row in results.rows}
    assert by_step["asking"] == "312"
    assert by_step["attacked"] == "—"
    medians = {row[0]: row[2:] for row in tables["attack-searches"].rows}
    assert medians["nearest"] == ("L2", "0.012 [0.011, 0.013], n = 800", "—")
    assert medians["asking"] == ("L2", "—", "240.000 [216.000, 264.000], n = 800")


def test_any_distance_is_no_robust_accuracy_by_budget(full_report: Report) -> None:
    """A search that counts any distance is not drawn among attacks with a budget."""
    section = attack_section(full_report)
    assert section is not None
    drawn = {chart.id: chart for chart in section.charts()}
    budgets = [item for key, chart in drawn.items() if "robust" in key for item in chart.records]
    names = {str(item.get("series", item.get("label"))) for item in budgets}
    assert not any("nearest" in name for name in names)
    assert any("nearest" in item["series"] for item in drawn["failure-distance-l2"].records)
