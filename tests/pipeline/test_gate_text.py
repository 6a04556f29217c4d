"""Gates as written: what they mean, and what they may not speak of."""

from __future__ import annotations

import pytest


def _with_gate(text, gate):
    head, tail = text.split("gates:\n")
    return f"{head}gates:\n  - {gate}\nschedule:{tail.split('schedule:')[1]}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "lower predictions[severity=3].accuracy >= 0.60",
            ("predictions", "accuracy", {"severity": "3"}, "lower", ">=", 0.6),
        ),
        ("upper confidence.ece<=1/10", ("confidence", "ece", {}, "upper", "<=", 0.1)),
        (
            "attacked[severity=1, eps=8/255].robust_accuracy > 0.3",
            ("attacked", "robust_accuracy", {"severity": "1", "eps": "8/255"}, None, ">", 0.3),
        ),
        ("spread.nll < -1e-2", ("spread", "nll", {}, None, "<", -0.01)),
        (
            "predictions.accuracy  not_worse_than  last",
            ("predictions", "accuracy", {}, *[None] * 3),
        ),
    ],
)
def test_a_gate_is_read_into_its_parts(plan, pipeline_text, text, parts):
    """Step, measure, selector, bound, comparison and number; fractions are numbers."""
    (gate,) = plan(_with_gate(pipeline_text, text)).gates
    found = (gate.step, gate.metric, gate.selector, gate.bound, gate.op, gate.limit)
    assert found == parts
    assert (gate.text, gate.line) == (text.strip(), "pipelines/toy.yaml:27")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("prediction.accuracy >= 0.5", "there is no step prediction; did you mean predictions?"),
        ("predictions.accuracy >= lots", "expected a number or a fraction, got 'lots'"),
        ("predictions.accuracy >= nan", "expected a number or a fraction, got 'nan'"),
        ("predictions.accuracy >= 1/0", "expected a number or a fraction, got '1/0'"),
        ("predictions.accuracy = 0.5", "expected [lower|upper] step[variable=value].metric"),
        ("predictions >= 0.5", "expected [lower|upper] step[variable=value].metric"),
        ("middle predictions.accuracy >= 0.5", "expected lower or upper, got middle"),
        ("predictions[severity].accuracy >= 0.5", "expected variable=value in [], got 'severity'"),
        ("predictions[severity=1,severity=3].accuracy >= 0", "severity is given twice in []"),
        ("predictions[severity=2].accuracy >= 0.5", "severity has no value 2; it has 1, 3"),
        (
            "predictions[eps=4/255].accuracy >= 0.5",
            "predictions does not depend on eps; there is: severity",
        ),
        (
            "enhanced.psnr_db >= 20",
            (
                "enhanced has no measures of its own; measured are clean_predictions, predictions, "
                "held_predictions, confidence, spread, attacked"
            ),
        ),
    ],
)
def test_a_gate_that_means_nothing_is_refused_with_its_line(refuse, pipeline_text, gate, expected):
    """Names, values and the form are checked before any work is done."""
    (finding,) = refuse(_with_gate(pipeline_text, gate))
    assert finding.startswith("pipelines/toy.yaml:27: ")
    assert expected in finding


def test_no_gate_rests_on_a_grey_box_attack(refuse, plan, pipeline_text):
    """Neither on the attack nor on what was computed from its images."""
    text = pipeline_text.replace("    from: dark\n", "    from: dark\n    knowledge: grey-box\n")
    text = text.replace("gates:", "  moved: {uses: net, from: attacked}\ngates:")
    for gate in ("attacked.robust_accuracy >= 0.1", "moved.accuracy >= 0.1"):
        (finding,) = refuse(_with_gate(text, gate))
        assert "attacked attacks as grey-box" in finding
    assert plan(_with_gate(text, "predictions.accuracy >= 0.1"))
