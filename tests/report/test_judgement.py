"""The verdict: one function, one line, the same words everywhere."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.contracts.values import Measure
from adversity.report import report_json, verdict, write_json, write_markdown
from adversity.report.doubts.judgement import gate_words, gates_in_order, problems, what_was_tested
from adversity.report.sections.summary import gate_table, summary_charts
from adversity.report.values.model import Caveat, GateResult

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report


@pytest.mark.parametrize(
    ("states", "worst", "line"),
    [
        (("pass", "pass"), "pass", "✓ PASS: all 2 gates passed"),
        (("pass",), "pass", "✓ PASS: the gate passed"),
        (("undecided",), "undecided", "? UNDECIDED: the gate is undecided"),
        (("pass", "fail"), "fail", "✗ FAIL: 1 of 2 gates failed, 1 passed"),
        (
            ("undecided", "fail", "pass", "pass"),
            "fail",
            "✗ FAIL: 1 of 4 gates failed, 1 undecided, 2 passed",
        ),
        (("undecided", "pass"), "undecided", "? UNDECIDED: 1 of 2 gates undecided, 1 passed"),
        (
            ("fail", "error"),
            "error",
            "! ERROR: 1 of 2 gates could not be judged, 1 failed",
        ),
    ],
)
def test_worst_gate_decides(
    full_report: Report, states: tuple[str, ...], worst: str, line: str
) -> None:
    """The worst gate gives the verdict, and the line counts every state."""
    gate = full_report.gates[0]
    gates = tuple(replace(gate, verdict=state) for state in states)
    assert verdict(replace(full_report, gates=gates, caveats=(), data=())) == (worst, line)


def test_the_line_counts_what_is_not_believed(full_report: Report, bare_report: Report) -> None:
    """Figures that are void, each once, warnings and unreadable images stand behind the verdict."""
    (data,) = (item for item in full_report.data if item.quarantined)
    void = Caveat("void", "pgd [eps=2]: too weak.", "pgd", {"eps": "2"})
    caveats = (void, replace(void, text="pgd [eps=2]: masked."), replace(void, cell={"eps": "4"}))
    warned = (*caveats, Caveat("warning", "few."), Caveat("note", "grey."))
    broken = replace(data, quarantined=(("a.png", "empty"), ("b.png", "cut off")))
    for report in (full_report, bare_report):
        bare = replace(report, caveats=(), data=())
        said = verdict(replace(report, caveats=warned, data=(broken,)))[1]
        assert said == f"{verdict(bare)[1]}; 2 void figures, 1 warning, 2 unreadable images"


def test_problems_are_said_once_and_in_order(full_report: Report) -> None:
    """Gates that did not pass with their reason and line, then voids, then warnings; no notes."""
    gates = tuple(
        replace(full_report.gates[0], verdict=state, text=f"{state}.x >= 1", why="so", line="p:7")
        for state in ("pass", "undecided", "error", "fail")
    )
    caveats = (
        Caveat("warning", "few samples."),
        Caveat("note", "grey images."),
        Caveat("void", "attacked [eps=2]: too weak.", "attacked"),
        Caveat("void", "the attack is broken.", "attacked"),
    )
    assert problems(replace(full_report, gates=gates, caveats=caveats)) == (
        "ERROR error.x >= 1: so (p:7)",
        "FAIL fail.x >= 1: so (p:7)",
        "UNDECIDED undecided.x >= 1: so (p:7)",
        "VOID attacked [eps=2]: too weak.",
        "VOID attacked: the attack is broken.",
        "warning: few samples.",
    )


def test_without_gates_nothing_is_claimed(bare_report: Report) -> None:
    """A report without gates does not say PASS."""
    state, line = verdict(bare_report)
    assert state == "pass"
    assert "PASS" not in line
    assert "no gate" in line


def test_failures_come_first(full_report: Report) -> None:
    """Gates are shown worst first."""
    order = [gate.verdict for gate in gates_in_order(full_report)]
    assert order == ["error", "fail", "undecided", "pass"]


def test_one_line_everywhere(full_report: Report, page: str, tmp_path: Path) -> None:
    """Title, heading, markdown line 1 and JSON carry the same verdict line."""
    state, line = verdict(full_report)
    write_markdown(full_report, tmp_path / "report.md")
    write_json(full_report, tmp_path / "report.json")
    title = re.search(r"<title>(.*?) · ", page)
    heading = re.search(r"<h1>(.*?)</h1>", page)
    record = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert title is not None
    assert heading is not None
    assert html.unescape(title[1]) == html.unescape(heading[1]) == line
    assert (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()[0] == line
    assert (record["verdict"], record["verdict_line"]) == (state, line)


def test_sentence_names_what_was_tested(full_report: Report) -> None:
    """The sentence has model, data with n, severities, budgets, knowledge and seed."""
    said = what_was_tested(full_report)
    for part in ("efficientnet_lite0", "n = 800", "low_light", "severity 1 to 5", "8/255"):
        assert part in said
    for part in ("white-box", "grey-box", "seed 7"):
        assert part in said
    assert "; degraded by low_light; restored by lime; attacked by" in said
    assert report_json(full_report)["tested"] == said


def test_how_many_samples_would_settle_a_gate_is_said_once(full_report: Report) -> None:
    """The reason says it; the row of the table adds nothing to it."""
    gate = replace(
        full_report.gates[0],
        verdict="undecided",
        why="accuracy is 0.7, across 0.71; about 747 samples would settle it",
        needed=747,
    )
    table = gate_table(replace(full_report, gates=(gate,)))
    assert table is not None
    assert str(table.rows).count("747") == 1


def test_a_change_is_shown_as_one(full_report: Report) -> None:
    """In the table it has its sign; in the chart it has an axis of its own, around 0."""
    change = Measure(0.0, 100, -0.01, 0.02)
    gate = replace(
        full_report.gates[0], measure=change, op=None, limit=None, change=True, than="last"
    )
    table = gate_table(replace(full_report, gates=(gate,)))
    assert table is not None
    assert "change +0.000" in table.rows[0]
    assert "[\N{MINUS SIGN}0.010, +0.020]" in table.rows[0]
    share = full_report.gates[0]
    charts = summary_charts(replace(full_report, gates=(gate, share)))
    assert sorted(chart.title for chart in charts) == [
        "Gates",
        "Gates (change since the last accepted run)",
    ]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("pgd.accuracy >= 0.5", " at severity = 2, eps = 4/255"),
        ("pgd[eps=4/255].accuracy >= 0.5", " at severity = 2"),
        ("pgd[severity=2, eps=4/255].accuracy >= 0.5", ""),
    ],
)
def test_a_table_of_gates_says_nothing_twice(text: str, cell: str) -> None:
    """Variables that the gate names, and reasons that stand beside the table, are left out of it."""
    void = "pgd: masked. pgd: weak."
    for before, after in (("Nothing is proved.", " As measured: PASS"), ("It fails.", "")):
        why = f"{before} {void}{after}"
        gate = GateResult(text, "error", why, cell={"severity": "2", "eps": "4/255"}, void=void)
        assert gate_words(gate) == (cell, before + after)
        assert gate_words(replace(gate, void=""))[1] == why


def test_a_variable_for_a_plugin_is_named_by_its_values(full_report: Report) -> None:
    """People ask which corruptions, and not what the variable is called."""
    steps = tuple(
        replace(step, uses="degradation/$corruption") if step.image_role == "degraded" else step
        for step in full_report.steps
    )
    matrix = {**full_report.matrix, "corruption": ("gaussian_noise", "degradation/gaussian_blur")}
    said = what_was_tested(replace(full_report, steps=steps, matrix=matrix))
    assert "degraded by gaussian_noise, gaussian_blur;" in said
