"""Verdicts: where the interval lies decides, and the worst cell speaks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.contracts import Measure
from adversity.pipeline.gates.earlier import EarlierRun
from adversity.pipeline.gates.gate_text import Gate, read_gate
from adversity.pipeline.gates.verdicts import judge
from adversity.report.doubts.judgement import exit_code, overall
from adversity.report.values.model import CellResult, GateResult, StepSummary


def _measure(value, low=None, high=None, n=100, better="higher"):
    return Measure(value=value, n=n, low=low, high=high, method="test", better=better)


def _summaries(measures, metric="accuracy"):
    """One step `s` with a cell for each measure, over the variable k."""
    cells = tuple(
        CellResult(cell={"k": key} if key else {}, n=m.n, measures={metric: m})
        for key, m in measures.items()
    )
    return {"s": StepSummary("s", "classifier/tiny", "classifier", "predictions", cells=cells)}


def _judge(measure, op=">=", limit=0.6, bound=None):
    gate = Gate("text", "x.yaml:1", "s", "accuracy", {}, bound, op, limit)
    (result,) = judge([gate], _summaries({"": measure}))
    return result


@pytest.mark.parametrize(
    ("op", "low", "high", "verdict"),
    [
        (">=", 0.6, 0.8, "pass"),
        (">", 0.6, 0.8, "undecided"),
        (">=", 0.5, 0.7, "undecided"),
        (">=", 0.5, 0.6, "undecided"),
        (">", 0.5, 0.6, "fail"),
        (">=", 0.4, 0.59, "fail"),
        ("<=", 0.5, 0.6, "pass"),
        ("<", 0.5, 0.6, "undecided"),
        ("<=", 0.6, 0.8, "undecided"),
        ("<", 0.6, 0.8, "fail"),
        ("<=", 0.61, 0.8, "fail"),
        ("<", 0.5, 0.59, "pass"),
    ],
)
def test_the_whole_interval_decides(op, low, high, verdict):
    """Pass where every point of the interval holds, fail where none does, else undecided."""
    assert _judge(_measure((low + high) / 2, low, high), op).verdict == verdict


@given(
    low=st.floats(-1, 1),
    width=st.floats(0, 1),
    limit=st.floats(-1, 2),
    op=st.sampled_from(["<=", ">="]),
)
def test_verdicts_mirror_when_everything_is_negated(low, width, limit, op):
    """`x >= a` and `-x <= -a` are one question and get one verdict."""
    high = low + width
    flipped = {"<=": ">=", ">=": "<="}[op]
    here = _judge(_measure((low + high) / 2, low, high), op, limit)
    there = _judge(_measure(-(low + high) / 2, -high, -low), flipped, -limit)
    assert here.verdict == there.verdict


@pytest.mark.parametrize("limit", [0.0, 1e-6, 3.7e-171, 5e-324])
def test_a_value_on_the_limit_is_undecided_and_names_no_number_of_samples(limit):
    """A hair from the limit no number of samples settles it, and none is made up."""
    result = _judge(_measure(0.0, -0.5, 0.5), "<=", limit)
    assert (result.verdict, result.needed) == ("undecided", None)


@pytest.mark.parametrize(
    ("bound", "op", "verdict"),
    [
        ("lower", ">=", "fail"),
        ("upper", ">=", "pass"),
        ("lower", "<=", "pass"),
        ("upper", "<=", "fail"),
    ],
)
def test_a_named_bound_decides_alone(bound, op, verdict):
    """With `lower` or `upper` there is no undecided; the sentence names the bound."""
    result = _judge(_measure(0.6, 0.5, 0.7), op, 0.6, bound)
    assert result.verdict == verdict
    assert f"the {bound} 95% bound of accuracy is {0.5 if bound == 'lower' else 0.7}" in result.why


def test_without_an_interval_the_number_decides_and_says_so():
    """A measure without an interval is not called undecided for ever."""
    result = _judge(_measure(0.7))
    assert result.verdict == "pass"
    assert result.why == (
        "accuracy (no interval, so the number itself decides) is 0.7, which is >= 0.6"
    )


@pytest.mark.parametrize("bound", ["lower", "upper"])
@pytest.mark.parametrize("op", [">=", "<="])
def test_a_bound_of_what_has_no_interval_is_an_error(bound, op):
    """The number itself is no bound: `lower` would promise what nobody computed."""
    result = _judge(_measure(0.7), op, bound=bound)
    assert result.verdict == "error"
    assert f"accuracy has no interval, so it has no {bound} bound; leave {bound} out" in result.why
    assert "`cells: drawn`" in result.why


def test_needed_samples_shrink_the_interval_to_the_limit():
    """Half-width 0.08 at n = 100 and distance 0.04: four times the samples."""
    result = _judge(_measure(0.64, 0.56, 0.72))
    assert result.verdict == "undecided"
    assert result.needed == 400
    half_then = 0.08 * math.sqrt(100 / 400)
    assert math.isclose(0.64 - half_then, 0.6)
    assert "about 400 samples would settle it" in result.why


def test_a_value_on_the_limit_has_no_number_of_samples():
    """No sample size separates a value from itself."""
    result = _judge(_measure(0.6, 0.5, 0.7))
    assert (result.verdict, result.needed) == ("undecided", None)


def test_the_worst_cell_decides():
    """Without a selector every cell must hold: a failing one beats any other, then the margin."""
    gate = Gate("t", "x:1", "s", "accuracy", {}, None, ">=", 0.6)
    good, better = _measure(0.8, 0.7, 0.9), _measure(0.9, 0.8, 0.95)
    bad, worse = _measure(0.4, 0.3, 0.5), _measure(0.3, 0.2, 0.4)
    unsure = _measure(0.6, 0.1, 0.7)
    for cells, verdict, key in (
        ({"1": better, "2": good}, "pass", "2"),
        ({"1": bad, "2": worse, "3": unsure, "4": good}, "fail", "2"),
        ({"1": good, "2": unsure}, "undecided", "2"),
    ):
        (result,) = judge([gate], _summaries(cells))
        assert (result.verdict, result.cell) == (verdict, {"k": key})
        assert f"at k={key}, the worst of {len(cells)} cells" in result.why


def test_a_selector_leaves_only_its_cells():
    """A bad cell elsewhere does not matter; a selector without a cell is an error."""
    cells = {"1": _measure(0.9, 0.8, 0.95), "2": _measure(0.1, 0.05, 0.2)}
    for value, verdict in (("1", "pass"), ("2", "fail"), ("3", "error")):
        gate = Gate("t", "x:1", "s", "accuracy", {"k": value}, None, ">=", 0.6)
        (result,) = judge([gate], _summaries(cells))
        assert result.verdict == verdict
    assert result.why == "no cell of s has k=3; there is: k=1, k=2"


def test_a_measure_that_is_not_there_is_an_error_that_names_those_that_are():
    """The nearest name is suggested and the rest listed."""
    gate = Gate("t", "x:1", "s", "acuracy", {}, None, ">=", 0.6)
    (result,) = judge([gate], _summaries({"": _measure(0.9)}))
    assert result.verdict == "error"
    assert result.why == "s has no measure acuracy; did you mean accuracy?; s has accuracy"
    (missing,) = judge([Gate("t", "x:1", "other", "a", {}, None, ">=", 0.6)], {})
    assert (missing.verdict, missing.why) == ("error", "other gave no results")


_LAST = Gate("t", "x:1", "s", "accuracy", than="last")


def _since(changes, name="the last accepted run"):
    """Return the earlier run of `_LAST`."""
    return {"last": EarlierRun(name, changes)}


def test_no_accepted_run_yet_is_undecided():
    """The first run cannot be worse than one that is not there."""
    (result,) = judge([_LAST], _summaries({"": _measure(0.9)}))
    assert not result.change
    assert (result.verdict, result.why) == (
        "undecided",
        "no accepted run to compare with yet",
    )
    (other,) = judge([_LAST], _summaries({"": _measure(0.9)}), _since({}))
    assert other.verdict == "undecided"
    assert "s.accuracy cannot be compared with the last accepted run" in other.why
    assert "no two samples can be paired; compare it with a number" in other.why


def test_a_run_that_measured_otherwise_is_undecided_and_says_how():
    """A text in the place of the change is why there is none."""
    since = _since({("s", "", "accuracy"): "it was measured otherwise then: top was 5 and is 1"})
    (result,) = judge([_LAST], _summaries({"": _measure(0.9)}), since)
    assert (result.verdict, result.change) == ("undecided", False)
    assert result.why == (
        "s.accuracy cannot be compared with the last accepted run: it was measured otherwise then: "
        "top was 5 and is 1"
    )


@pytest.mark.parametrize(
    ("low", "high", "better", "verdict"),
    [
        (0.0, 0.0, "higher", "pass"),
        (0.01, 0.05, "higher", "pass"),
        (-0.05, -0.01, "higher", "fail"),
        (-0.05, 0.05, "higher", "undecided"),
        (0.01, 0.05, "lower", "fail"),
        (-0.05, -0.01, "lower", "pass"),
    ],
)
def test_not_worse_than_last_judges_the_paired_difference(low, high, better, verdict):
    """The difference to the accepted run lies on the good side of 0, the bad one, or across."""
    change = _measure((low + high) / 2, low, high, better=better)
    since = _since({("s", "k=3", "accuracy"): change})
    (result,) = judge([_LAST], _summaries({"3": _measure(0.9)}), since)
    assert result.verdict == verdict
    assert result.measure == change
    assert result.change


def test_each_gate_is_held_against_the_run_that_it_names():
    """What was said of one commit says nothing of another."""
    gates = [read_gate(f"s.accuracy not_worse_than {name}", "x:1") for name in ("main", "v1.2~1")]
    runs = {
        "main": EarlierRun("main (1a2b)", {("s", "", "accuracy"): _measure(-0.03, -0.05, -0.01)}),
        "v1.2~1": EarlierRun("v1.2~1 (3c4d)", "it has no results of x"),
    }
    main, tag = judge(gates, _summaries({"": _measure(0.9)}), runs)
    assert (main.verdict, main.than) == ("fail", "main")
    assert main.why.startswith("the change of accuracy since main (1a2b) is -0.03")
    assert (tag.verdict, tag.than) == ("undecided", "v1.2~1")
    assert tag.why == "s.accuracy cannot be compared with v1.2~1 (3c4d): it has no results of x"
    (missing,) = judge(gates[:1], _summaries({"": _measure(0.9)}))
    assert missing.why == "no run of main to compare with yet"


def test_a_measure_without_direction_cannot_be_worse():
    """What has no good side needs a number to compare with."""
    change = _measure(0.0, 0.0, 0.0, better=None)
    summaries = _summaries({"": _measure(0.9, better=None)})
    (result,) = judge([_LAST], summaries, _since({("s", "", "accuracy"): change}))
    assert result.verdict == "error"


@pytest.mark.parametrize(
    ("verdicts", "expected", "code", "strict"),
    [
        ([], None, 0, 0),
        (["pass", "pass"], "pass", 0, 0),
        (["pass", "undecided"], "undecided", 0, 1),
        (["undecided", "fail"], "fail", 1, 1),
        (["fail", "error", "pass"], "error", 1, 1),
    ],
)
def test_one_place_yields_verdict_and_exit_code(verdicts, expected, code, strict):
    """The worst verdict is the run's; undecided exits 1 only under strict."""
    results = [GateResult("t", verdict, "") for verdict in verdicts]
    assert overall(results) == expected
    assert exit_code(results) == code
    assert exit_code(results, strict=True) == strict
