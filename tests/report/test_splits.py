"""Every figure says of which images it is, and what proves that they fitted nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.sections.all_sections import contents
from adversity.report.sections.uncertainty import uncertainty_section
from adversity.report.values.blocks import Table
from adversity.report.values.splits import FittedBy, Split, split_text, splits_table
from adversity.report.words.wording import NOTHING
from adversity.report.writers.record import report_json

if TYPE_CHECKING:
    from adversity.report.values.model import Report

HELD = FittedBy("scaler", "proved by content", "held_out", 300)
ELSEWHERE = FittedBy("net", "not provable")
SEEN = FittedBy("adapted", "unlabelled", "photos", 800, 12)
OUT = FittedBy("crossed", "out of fold", "photos", 800)


def with_splits(report: Report, *fitted_by: FittedBy, step: str = "clean") -> Report:
    """Return the report with a split for one step."""
    return replace(report, splits=(Split(step, "photos", 800, fitted_by),))


def test_a_caption_has_the_split_its_n_and_a_word_for_each_fit(full_report: Report) -> None:
    """Each proof is named with what it is about; of a step without a split nothing is said."""
    report = with_splits(full_report, HELD, ELSEWHERE, SEEN, OUT)
    assert split_text(report, ["clean"]) == (
        " Split: judged on photos (n = 800); fitted on held_out (300), disjoint: proved by content; "
        "net fitted elsewhere, disjoint: not provable; fitted on photos (800, 12 of them judged): "
        "unlabelled; fitted on photos (800): out of fold."
    )
    assert split_text(report, ["predictions"]) == ""
    assert split_text(with_splits(full_report), ["clean"]).endswith("nothing was fitted.")


def test_the_charts_of_uncertainty_and_accuracy_say_it(full_report: Report) -> None:
    """Reliability, curves and what a measure brings: each caption that shows the step."""
    report = with_splits(full_report, HELD)
    words = split_text(report, ["clean"])
    captions = {chart.id: chart.caption for chart in contents(report).charts}
    for name in ("reliability-clean", "accuracy-by-severity", "ece-by-severity"):
        assert captions[name].endswith(words)


def test_a_table_has_a_row_for_each_fit_behind_a_method(full_report: Report) -> None:
    """By the step, what it is, and the word; steps of other kinds are not in it."""
    steps = tuple(
        replace(step, kind="uncertainty", uses="uncertainty/temperature_scaling")
        if step.id == "clean"
        else step
        for step in full_report.steps
    )
    report = with_splits(replace(full_report, steps=steps), HELD, ELSEWHERE)
    section = uncertainty_section(report)
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert [row[3:] for row in table.rows] == [
        ("scaler", "held_out (300)", "proved by content"),
        ("net", NOTHING, "not provable"),
    ]
    assert {row[:3] for row in table.rows} == {
        ("clean", "uncertainty/temperature_scaling", "photos (800)")
    }
    assert splits_table(with_splits(full_report, HELD), "uncertainty") is None


def test_the_record_has_the_same_words(full_report: Report) -> None:
    """For those who read the JSON."""
    (split,) = report_json(with_splits(full_report, SEEN))["splits"]
    assert split == {
        "step": "clean",
        "judging": "photos",
        "n_judging": 800,
        "fitted_by": [
            {
                "step": "adapted",
                "proof": "unlabelled",
                "data": "photos",
                "n": 800,
                "n_shared": 12,
            }
        ],
    }
