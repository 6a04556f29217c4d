"""What restorations gained: a row for each condition, in the chart and in the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adversity.contracts import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.sections.all_sections import contents
from adversity.report.sections.restoration import flips_section, restoration_section
from adversity.report.values.blocks import Chart, Table
from adversity.report.values.model import Gain, Report
from adversity.report.values.paired import HARMS, TRAINED, Change


def chart(report: Report, name: str) -> Chart:
    return next(item for item in contents(report).charts if item.id == name)


def test_of_many_gains_the_ends_are_drawn_and_the_table_has_all(full_report: Report) -> None:
    """A chart of 375 rows is looked through by nobody; what is drawn is said, and is what it says."""
    gain = full_report.gains[0]
    changes = [((7 * at) % 60 - 30) / 100 for at in range(60)]  # each value once, in no order
    gains = tuple(
        replace(gain, cell={"at": str(at)}, difference=Measure(value, 50, value - 0.1, value + 0.1))
        for at, value in enumerate(changes)
    )
    report = replace(full_report, gains=gains)
    drawn = chart(report, "restoration-gain")
    ends = sorted(changes)[:12] + sorted(changes)[-12:]
    assert [row["value"] for row in drawn.records] == ends, "sorted"
    assert "of 60 the 12 with the smallest and the 12 with the largest" in drawn.caption
    folded = flips_section(report)
    assert folded is not None
    assert folded.folded
    (table,) = folded.blocks
    assert isinstance(table, Table)
    assert len(table.rows) == 60
    above = restoration_section(report)
    assert above is not None
    assert table not in above.blocks
    assert flips_section(full_report) is None


def test_gain_is_shown_with_its_flips(full_report: Report) -> None:
    """Each paired gain is a row of the chart and of the table, with both counts and p."""
    gains = tuple(
        Gain(
            "enhanced", "dark_predictions", "predictions", {"severity": str(level)},
            Measure(0.1 * level - 0.2, 50, 0.1 * level - 0.3, 0.1 * level - 0.1),
            recovered=level, broken=7 - level, p_value=0.25, p_holm=0.5, finding=HARMS,
        )
        for level in (1, 3)
    )  # fmt: skip
    section = restoration_section(replace(full_report, gains=gains))
    assert section is not None
    drawn = section.charts()[0].records
    assert [item["value"] for item in drawn] == pytest.approx([-0.1, 0.1], abs=1e-12)
    table = next(b for b in section.blocks if isinstance(b, Table) and "flips" in b.id)
    assert [row[5:] for row in table.rows] == [
        ("1", "6", "0.25", "0.5", "harms the classifier"),
        ("3", "4", "0.25", "0.5", "harms the classifier"),
    ]
    assert table.rows[1][2:5] == ("+0.100", "[+0.000, +0.200]", "50")


def test_over_seeds_each_restoration_and_condition_has_one_row(full_report: Report) -> None:
    """The mean with its spread, in the table and in the chart; not a row for each seed."""
    gain = full_report.gains[0]
    each = tuple(replace(gain, cell={"severity": "1", "seed": seed}) for seed in "012")
    details = {"seeds": 3, "spread": 0.0125, "p_value": 0.04}
    mean = replace(
        gain,
        cell={"severity": "1"},
        difference=Measure(0.1, 800, 0.05, 0.15, details=details),
        recovered=100,
        broken=20,
        p_value=0.04,
        p_holm=0.16,
    )
    report = replace(full_report, gains=each, gains_over_seeds=(mean,))
    drawn = chart(report, "restoration-gain")
    assert [row["value"] for row in drawn.records] == [0.1]
    assert "these are taken as given" in drawn.caption
    section = restoration_section(report)
    assert section is not None
    table = next(b for b in section.blocks if isinstance(b, Table) and "flips" in b.id)
    assert table.columns[2:5] == ("gain", "± over seeds", "interval")
    assert table.rows == (
        (
            "enhanced",
            "severity = 1",
            "+0.100",
            "0.013",
            "[+0.050, +0.150]",
            "800",
            "100",
            "20",
            "0.04",
            "0.16",
            "no evidence",
        ),
    )
    assert "Means over 3 seeds" in table.caption
    assert "McNemar" not in table.caption


def test_two_classifiers_behind_one_restoration_are_told_apart(full_report: Report) -> None:
    """Its name alone would head two rows."""
    gain = full_report.gains[0]
    both = (gain, replace(gain, after="others", before="dark_others"))
    section = restoration_section(replace(full_report, gains=both))
    assert section is not None
    table = next(b for b in section.blocks if isinstance(b, Table) and "flips" in b.id)
    assert [row[0] for row in table.rows] == ["enhanced (predictions)", "enhanced (others)"]


def test_restoration_without_a_pair_shows_no_gain(full_report: Report) -> None:
    """Without predictions in front of the restoration there is no gain to show."""
    section = restoration_section(replace(full_report, gains=()))
    assert section is not None
    assert not section.charts()


def test_what_else_changed_stands_in_a_table_of_its_own(full_report: Report) -> None:
    """p(true) first, with its word; a measure without an interval as a value alone."""
    psnr = Measure(1.5, 50, 1.0, 2.0).known_as(MeasureInfo(title="PSNR", unit="dB"))
    p_true = Measure(0.1, 50, 0.05, 0.15).known_as(MeasureInfo(title="p(true)"))
    ece = Measure(-0.02, 50).known_as(MeasureInfo(title="ECE"))
    changes = (
        Change("ece", 0.1, 0.08, ece),
        Change("psnr_db", 20.0, 21.5, psnr, 0.01, 0.02),
        Change("p_true", 0.5, 0.6, p_true, 0.01, 0.03, "surer of the truth"),
    )
    gain = replace(full_report.gains[0], changes=changes, protocol=TRAINED)
    section = restoration_section(replace(full_report, gains=(gain,)))
    assert section is not None
    table = next(b for b in section.blocks if isinstance(b, Table) and "changes" in b.id)
    assert table.columns[2:] == ("p(true)", "p (Holm), p(true)", "found", "ECE", "PSNR")
    assert table.rows == (
        (
            "enhanced (trained again)",
            "severity = 1",
            "+0.100 [+0.050, +0.150]",
            "0.03",
            "surer of the truth",
            "\N{MINUS SIGN}0.020",
            "+1.50 dB [+1.00, +2.00]",
        ),
    )


def test_gains_are_drawn_against_severity(full_report: Report) -> None:
    """From three values on, in the place of rows."""
    drawn = chart(full_report, "restoration-gain-by")
    assert [row["x"] for row in drawn.records] == [1, 2, 3, 4, 5]
    assert not [c for c in contents(full_report).charts if c.id == "restoration-gain"]
    two = replace(full_report, gains=full_report.gains[:2])
    assert not [c for c in contents(two).charts if c.id == "restoration-gain-by"]
    assert [row["value"] for row in chart(two, "restoration-gain").records]
