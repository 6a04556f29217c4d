"""The section on defences shows what withstood the attacker who knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.contracts.values import Measure
from adversity.report.sections.defence_gap import defence_gap_section
from adversity.report.values.blocks import Table, Text
from adversity.report.values.model import DefenceGap
from adversity.report.writers.record import report_json

if TYPE_CHECKING:
    from adversity.report.values.model import Report


def gap(defence: str, seeming: float, actual: float, *, cell: str = "8/255") -> DefenceGap:
    """A pair on 100 images."""
    both = min(seeming, actual)
    return DefenceGap(
        (defence,),
        f"{defence}_grey",
        f"{defence}_adaptive",
        "pgd",
        {"eps": cell},
        Measure(seeming, 100, seeming - 0.05, seeming + 0.05, method="wilson"),
        Measure(actual, 100, actual - 0.05, actual + 0.05, method="wilson"),
        Measure(both, 100, both - 0.05, both + 0.05, method="wilson"),
        Measure(seeming - actual, 100, seeming - actual - 0.1, seeming - actual + 0.1),
        fell=31,
        held=2,
        p_value=0.004,
    )


def words(report: Report) -> str:
    section = defence_gap_section(report)
    assert section is not None
    return " ".join(block.text for block in section.blocks if isinstance(block, Text))


def test_both_shares_and_their_difference_are_drawn(full_report: Report) -> None:
    """A row of the first chart has both shares, the second chart their difference."""
    found = (gap("enhanced", 0.6, 0.25),)
    section = defence_gap_section(replace(full_report, illusions=found))
    assert section is not None
    pairs, difference = section.charts()
    assert [item["value"] for item in pairs.records] == [0.6, 0.25]
    assert "does not know" in pairs.records[0]["series"]
    assert [item["value"] for item in difference.records] == pytest.approx([0.35], abs=1e-12)
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert table.rows[0][0] == "enhanced (lime), eps = 8/255"
    assert table.rows[0][4:] == ("31", "2", "0.250", "0.004", "100")


def test_the_worst_loss_is_said_first(full_report: Report) -> None:
    """The sentence names the defence that lost most, with all three figures."""
    found = (gap("slight", 0.5, 0.45), gap("much", 0.7, 0.125))
    said = words(replace(full_report, illusions=found))
    assert "lost by much, eps = 8/255: 0.700 of the images seem safe, 0.125 are left" in said
    assert "the difference, 0.575, only seemed to be robustness" in said


def test_a_weaker_adaptive_attack_is_not_praised(full_report: Report) -> None:
    """A difference below zero speaks against the attack, not for the defence."""
    said = words(replace(full_report, illusions=(gap("masked", 0.3, 0.6),)))
    assert "No defence lost anything" in said
    assert "the attack through the defence was the weaker one: masked, eps = 8/255" in said


def test_many_rows_are_a_chart_for_each_defence(full_report: Report) -> None:
    """With more rows than can be read at once each defence has its own pair of charts."""
    found = tuple(
        gap(name, 0.6, 0.3, cell=f"{level}/255")
        for name in ("one", "two")
        for level in range(1, 10)
    )
    section = defence_gap_section(replace(full_report, illusions=found))
    assert section is not None
    assert [chart.id for chart in section.charts()] == [
        "illusion-one",
        "illusion-one-difference",
        "illusion-two",
        "illusion-two-difference",
    ]


def test_without_a_pair_there_is_no_section(full_report: Report) -> None:
    """Where nothing was attacked both ways, nothing is said."""
    assert defence_gap_section(replace(full_report, illusions=())) is None


def test_the_json_has_every_pair(full_report: Report) -> None:
    """The record says which steps were compared and what was found."""
    (first, *_) = report_json(full_report)["illusions"]
    assert (first["grey_box"], first["adaptive"], first["defence"]) == (
        "grey",
        "adaptive",
        ["enhanced"],
    )
    assert first["difference"]["value"] == pytest.approx(0.06, abs=1e-12)
