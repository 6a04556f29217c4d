"""The last screen: gates, numbers, verdict."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from adversity.contracts import Measure
from adversity.pipeline.gates.gate_text import read_gate
from adversity.pipeline.gates.verdicts import judge
from adversity.report.doubts.judgement import exit_code
from adversity.report.values.model import Caveat, CellResult, GateResult, Report, StepSummary
from adversity.report.words.reading import with_words
from adversity_flows.cli.results import doubt_lines, gate_lines, measure_lines, say_results
from adversity_flows.cli.terminal import Terminal
from adversity_flows.runs.finished_run import FinishedRun
from adversity_flows.runs.past_runs import PastRun
from adversity_plugins.metric.accuracy import Accuracy
from adversity_plugins.metric.robust_accuracy import RobustAccuracy

GOOD = Measure(0.9, 2000, 0.88, 0.92, better="higher")
BAD = Measure(0.5, 200, 0.43, 0.57, better="higher")


def gate(verdict, measure, **more):
    """Return a gate on accuracy with a verdict."""
    text = "noisy.accuracy >= 0.55"
    base = GateResult(text, verdict, "the reason", "pipelines/p.yaml:31", measure, {}, ">=", 0.55)
    return replace(base, **more)


def report(*gates, steps=()):
    """Return a report with gates."""
    known = {**Accuracy.declared(), **RobustAccuracy.declared()}
    return Report("p", "pipelines/p.yaml", "", 0, {}, (), with_words(steps, known), tuple(gates))


@pytest.fixture
def terminal():
    """Return a terminal of 100 columns that shows signs and no colour."""
    return Terminal(io.StringIO(), colour=False, tty=False, live=False, width=100, unicode=True)


def test_failures_come_first_with_line_and_reason(terminal):
    """The failing gate stands above the passing one, with its file, line and reason."""
    lines = gate_lines(report(gate("pass", GOOD), gate("fail", BAD)), terminal)
    assert lines[1].endswith("✗ FAIL")
    assert lines[2].strip() == "pipelines/p.yaml:31: the reason"
    assert lines[3].endswith("✓ PASS")
    assert len(lines) == 4


def test_numbers_stand_right_with_the_same_decimals(terminal):
    """Values and counts of two gates end in the same column, with three decimals each."""
    lines = gate_lines(report(gate("pass", GOOD), gate("pass", BAD)), terminal)
    assert lines[1].index("0.900") == lines[2].index("0.500")
    assert lines[1].index("2,000") + 5 == lines[2].index("  200  ") + 5


def test_undecided_says_once_how_many_images_would_settle_it(terminal):
    """The reason names the number, as on the page; the row above ends with the verdict."""
    spread = StepSummary(
        "noisy",
        "classifier/toy",
        "classifier",
        "predictions",
        cells=(CellResult({}, 200, {"accuracy": BAD}),),
    )
    written = read_gate("noisy.accuracy >= 0.55", "pipelines/p.yaml:31")
    (judged,) = judge((written,), {"noisy": spread}, None)
    lines = gate_lines(report(judged), terminal)
    assert judged.verdict == "undecided"
    assert lines[1].endswith("? UNDECIDED")
    assert "\n".join(lines).count(str(judged.needed)) == 1
    assert f"about {judged.needed} samples would settle it" in lines[2]


def test_narrow_terminal_keeps_interval_and_verdict(terminal):
    """Below the needed width n goes first, then the limit; interval and verdict stay."""
    found = report(gate("fail", BAD))
    wide = gate_lines(found, terminal)[0]
    narrow = gate_lines(found, replace(terminal, width=len(wide) - 1))[0]
    narrower = gate_lines(found, replace(terminal, width=30))[0]
    assert "limit" in narrow
    assert " n " not in narrow
    assert "limit" not in narrower
    assert "95 % interval" in narrower
    assert "verdict" in narrower


def test_worst_cell_is_named(terminal):
    """A gate over a matrix says in which cell it was decided."""
    lines = gate_lines(report(gate("fail", BAD, cell={"eps": "4/255"})), terminal)
    assert "noisy.accuracy at eps = 4/255" in lines[1]


def test_each_step_shows_the_number_it_stands_for(terminal):
    """An attack shows robust accuracy, though it has other measures too."""
    measures = {"accuracy": GOOD, "robust_accuracy": BAD}
    cells = tuple(CellResult({"eps": eps}, 200, measures) for eps in ("4/255", "8/255"))
    step = StepSummary("attacked", "attack/pgd", "attack", "adversarial", cells=cells)
    lines = measure_lines(report(steps=[step]), terminal)
    assert [line.split()[:5] for line in lines[1:]] == [
        ["attacked", "eps", "=", "4/255", "robust"],
        ["attacked", "eps", "=", "8/255", "robust"],
    ]
    assert "0.500  [0.430, 0.570]" in lines[1]


def test_a_void_figure_is_marked_in_its_row(terminal):
    """The cell that is void says so at the end of its row, the sound one and its step do not."""
    cells = tuple(
        CellResult({"eps": eps}, 200, {"robust_accuracy": BAD}) for eps in ("4/255", "8/255")
    )
    steps = (
        StepSummary("clean", "classifier/x", "classifier", "predictions", cells=cells[:1]),
        StepSummary("attacked", "attack/pgd", "attack", "adversarial", cells=cells),
    )
    doubt = Caveat("void", "attacked: no gradient", "attacked", {"eps": "8/255"})
    found = replace(report(steps=steps), caveats=(doubt,))
    for width in (100, 60):  # the narrow table has no n; the mark stays
        lines = measure_lines(found, replace(terminal, width=width))
        assert [line.endswith("VOID") for line in lines] == [False, False, False, True]
    painted = measure_lines(found, replace(terminal, colour=True))
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in painted] == measure_lines(
        found, terminal
    )
    assert "VOID" not in "".join(measure_lines(report(steps=steps), terminal))


@pytest.mark.parametrize("quiet", [False, True])
def test_verdict_is_the_last_line(quiet, terminal, tmp_path):
    """The verdict line ends the output; with -q it is the only one."""
    (tmp_path / "report.html").write_text("x" * 2_100_000)
    past = PastRun("1", tmp_path, {})
    finished = FinishedRun(report(gate("fail", BAD)), past, False, False, 1, 192.0)
    say_results(finished, Path("/nowhere"), terminal, quiet=quiet)
    lines = terminal.stream.getvalue().splitlines()
    assert lines[-1].startswith("✗ FAIL: the gate failed   3 min 12 s   report: ")
    assert lines[-1].endswith("report.html (2.1 MB)")
    assert (len(lines) == 1) == quiet


def test_a_gate_on_a_void_figure_is_an_error_in_code_and_last_line(terminal, tmp_path):
    """Exit 1 and ERROR, though its number passes; without the doubt, exit 0 and PASS."""
    (tmp_path / "report.html").write_text("x")
    steps = (
        StepSummary("attacked", "attack/pgd", "attack", "adversarial",
                    cells=(CellResult({}, 200, {"robust_accuracy": BAD}),)),
        StepSummary("clean", "classifier/x", "classifier", "predictions",
                    cells=(CellResult({}, 200, {"accuracy": BAD}),)),
    )  # fmt: skip
    doubt = Caveat("void", "attacked: noise fools more.", "attacked", {})
    written = [
        read_gate(f"lower {figure} >= 0.02", "pipelines/p.yaml:15")
        for figure in ("attacked.robust_accuracy", "clean.accuracy")
    ]
    for caveats, states, code, line in (
        ((), ["pass", "pass"], 0, "✓ PASS: all 2 gates passed   "),
        (
            (doubt,),
            ["error", "pass"],
            1,
            "! ERROR: 1 of 2 gates could not be judged, 1 passed; 1 void figure   ",
        ),
    ):
        gates = judge(written, {step.id: step for step in steps}, caveats=caveats)
        assert [each.verdict for each in gates] == states
        assert exit_code(gates) == code
        found = replace(report(*gates, steps=steps), caveats=caveats)
        past = PastRun("1", tmp_path, {})
        finished = FinishedRun(found, past, False, not code, code, 1.0)
        say_results(finished, Path("/nowhere"), terminal, quiet=True)
        assert terminal.stream.getvalue().splitlines()[-1].startswith(line)


def test_a_change_has_its_sign(terminal):
    """`not_worse_than last` shows a change, never a measure that would read as no accuracy."""
    for value, low, high, shown in (
        (0.0, 0.0, 0.0, "+0.000  [+0.000, +0.000]"),
        (-0.012, -0.02, 0.004, "\N{MINUS SIGN}0.012  [\N{MINUS SIGN}0.020, +0.004]"),
    ):
        change = Measure(value, 500, low, high, better="higher")
        text = "clean.accuracy not_worse_than last"
        line = gate_lines(
            report(gate("pass", change, text=text, op=None, limit=None, change=True, than="last")),
            terminal,
        )[1]
        assert line.startswith("change of clean.accuracy")
        assert shown in line


def swept(step, name, values, **more):
    """Return a step of one measure over that many cells."""
    cells = tuple(
        CellResult({"sigma": f"{place:02d}"}, 200, {name: replace(GOOD, value=value, **more)})
        for place, value in enumerate(values)
    )
    kind = "restoration/x" if name == "psnr_db" else "classifier/x"
    return StepSummary(step, kind, kind.partition("/")[0], "predictions", cells=cells)


def test_of_many_rows_the_worst_the_best_and_void_ones_stand(terminal):
    """40 of one step and 40 of another: both keep worst and best cell, and each void one stands."""
    values = [0.5 + place / 100 for place in range(40)]
    values[17], values[31] = 0.1, 0.99
    first = swept("clean", "accuracy", values)
    second = swept("late", "ece", [0.3] * 39 + [0.2], better="lower")
    doubt = Caveat("void", "clean: no gradient", "clean", {"sigma": "35"})
    found = replace(report(steps=[first, second]), caveats=(doubt,))
    head, *rows, last = measure_lines(found, terminal)
    at = {(row.split()[0], row.split()[3]) for row in rows}
    assert {("clean", "17"), ("clean", "31"), ("late", "00"), ("late", "39")} <= at
    assert [row.split()[3] for row in rows if row.endswith("VOID")] == ["35"]
    assert len(rows) == 24
    assert [(row.split()[0], row.split()[3]) for row in rows] == sorted(at)  # the report's order
    assert last.startswith("24 of 80 rows, the worst of each step among them")
    assert head.startswith("step")


def test_every_step_keeps_its_worst_row(terminal):
    """30 steps of three cells: more than fits, and yet none is left out."""
    steps = [swept(f"s{place:02d}", "accuracy", [0.9, 0.2, 0.8]) for place in range(30)]
    _, *rows, last = measure_lines(report(steps=steps), terminal)
    assert [row.split()[3] for row in rows] == ["01"] * 30
    assert last.startswith("30 of 90 rows")


@pytest.mark.parametrize("width", [40, 80])
def test_no_sentence_ends_in_the_middle_of_a_word(width, terminal):
    """Reasons of gates and doubts are broken between words, and lose none."""
    words = "the accuracy of the restored images is under the limit in most of the cells " * 3
    narrow = replace(terminal, width=width, tty=True)
    lines = gate_lines(report(gate("fail", BAD, why=words)), narrow)[2:]
    found = replace(report(), caveats=(Caveat("void", words),))
    for said, text in (
        (lines, f"pipelines/p.yaml:31: {words}"),
        (doubt_lines(found, narrow), words),
    ):
        assert max(map(len, said)) <= width
        assert " ".join(said).split()[-40:] == text.split()[-40:]
