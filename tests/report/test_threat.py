"""The threat model is said in words that are true of the attack at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adversity.report.doubts.judgement import what_was_tested
from adversity.report.values.model import CellResult, StepSummary
from adversity.report.values.threat import knowledge_word, threat_text

if TYPE_CHECKING:
    from adversity.report.values.model import Report


def step(
    threat: dict[str, Any],
    *,
    knowledge: str = "white-box",
    parameters: tuple[dict[str, Any], ...] = ({},),
) -> StepSummary:
    """An attack on the answer `clean` with one cell for each set of parameters."""
    return StepSummary(
        "tried",
        "attack/method",
        "attack",
        "adversarial",
        ("photos",),
        ("photos", "tried"),
        against="clean",
        knowledge=knowledge,
        threat=threat,
        cells=tuple(CellResult({}, 9, {}, parameters=item) for item in parameters),
    )


def test_the_sentence_of_the_threat_is_shown() -> None:
    """How much may change is said by the threat itself; the page shows its words as they are."""
    tried = replace(step({"type": "pixels"}), budget="Budget: changed pixels, at most 5.")
    assert "Budget: changed pixels, at most 5." in threat_text(tried).text


@pytest.mark.parametrize(("from_step", "said"), [(None, "low_light"), ("net", "low_light of net")])
def test_a_plugin_in_a_parameter_is_named(
    full_report: Report, from_step: str | None, said: str
) -> None:
    """By its name, without kind and distribution, and by the step whose plugin it is."""
    value = {"uses": "degradation/adversity:low_light", "with": {"gain": 0.1}, "step": from_step}
    text = threat_text(step({}, parameters=({"degradation": value},))).text
    assert f"Settings: degradation: {said}." in text


@pytest.mark.parametrize(
    ("access", "knowledge", "word", "said"),
    [
        ("gradients", "white-box", "white-box", "defences included, and computes with gradients"),
        ("structure", "white-box", "white-box", "has the victim laid open"),
        ("decisions", "white-box", "black-box", "sees decisions only"),
        ("scores", "white-box", "black-box", "sees scores only, never a gradient"),
        ("gradients", "grey-box", "grey-box", "knows the classifier alone"),
        ("scores", "grey-box", "grey-box", "queries the classifier alone and sees scores only"),
    ],
)
def test_knowledge_in_words(
    full_report: Report, access: str, knowledge: str, word: str, said: str
) -> None:
    """An attack that only asks is black-box; only one that computes is white-box."""
    tried = step({"type": "norm", "access": access}, knowledge=knowledge)
    text = threat_text(tried).text
    assert knowledge_word(tried) == word
    assert said in text
    assert text.count("-box") == 1
    assert word.capitalize() in text


def test_a_control_is_known_by_its_claim_not_its_name(full_report: Report) -> None:
    """Any plugin may be a control; the name random_noise alone makes none."""
    claimed = step({"type": "norm", "control": True})
    assert "It is the control" in threat_text(claimed).text
    named = replace(step({"type": "norm"}), uses="attack/random_noise")
    assert "control" not in threat_text(named).text
    assert "method (control)" in what_was_tested(replace(full_report, steps=(claimed,)))
    assert "random_noise (white-box)" in what_was_tested(replace(full_report, steps=(named,)))
