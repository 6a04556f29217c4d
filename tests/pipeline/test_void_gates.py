"""Gates on figures that the report calls void: what they still prove, and what they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adversity.contracts import Measure, MeasureInfo
from adversity.metrics import share
from adversity.pipeline.gates.earlier import EarlierRun
from adversity.pipeline.gates.gate_text import read_gate
from adversity.pipeline.gates.verdicts import judge
from adversity.report.doubts.caveats import caveats
from adversity.report.values.model import Caveat, CellResult, StepSummary
from adversity.report.words.reading import with_words

MASKED = Caveat("void", "pgd: 93% had a gradient of zero every time; it may be masked.", "pgd")
KNOWN = {
    "robust_accuracy": MeasureInfo(0, 1, attacked="at most", unattacked="accuracy"),
    "attack_success": MeasureInfo(0, 1, attacked="at least"),
    "worst_case_robust_accuracy": MeasureInfo(0, 1, attacked="at most", group="worst case"),
    "zero_gradient_share": MeasureInfo(0, 1, attacked="fact"),
}


def attack(name, *cells, path=(), **threat):
    """An attack step with a cell for each mapping of measures, over the variable k."""
    found = tuple(
        CellResult({"k": str(k)} if len(cells) > 1 else {}, 100, measures)
        for k, measures in enumerate(cells)
    )
    path = (*path, name)
    return StepSummary(
        name, "attack/pgd", "attack", "adversarial", cells=found, path=path, threat=threat
    )


def ruling(text, *steps, doubts=(MASKED,), earlier=None):
    """Judge one gate over these steps."""
    summaries = {step.id: step for step in with_words(steps, KNOWN)}
    gate = read_gate(text, "x.yaml:9")
    (result,) = judge([gate], summaries, earlier, caveats=doubts)
    return result


@pytest.mark.parametrize(
    ("text", "sound", "void"),
    [
        ("pgd.robust_accuracy >= 0.5", "pass", "error"),
        ("pgd.robust_accuracy >= 0.9", "fail", "fail"),
        ("pgd.robust_accuracy >= 0.7", "undecided", "error"),
        ("lower pgd.robust_accuracy > 0.5", "pass", "error"),
        ("upper pgd.robust_accuracy >= 0.9", "fail", "fail"),
        ("pgd.robust_accuracy <= 0.9", "pass", "pass"),
        ("pgd.robust_accuracy <= 0.5", "fail", "error"),
        ("upper pgd.robust_accuracy < 0.9", "pass", "pass"),
        ("pgd.attack_success <= 0.5", "pass", "error"),
        ("pgd.attack_success <= 0.1", "fail", "fail"),
        ("pgd.attack_success >= 0.1", "pass", "pass"),
        ("pgd.attack_success >= 0.5", "fail", "error"),
        ("pgd.zero_gradient_share <= 0.95", "pass", "pass"),
        ("pgd.zero_gradient_share <= 0.05", "fail", "fail"),
        ("pgd.other >= 0.5", "pass", "error"),
        ("pgd.other <= 0.5", "fail", "error"),
    ],
)
def test_a_void_figure_proves_only_what_a_stronger_attack_could_not_undo(text, sound, void):
    """Robust accuracy of a failed attack is an upper bound, success a lower one; signs are facts."""
    measures = {
        "robust_accuracy": share(70, 100, better="higher"),
        "attack_success": share(30, 100),
        "zero_gradient_share": share(80, 100, better="lower"),
        "other": share(70, 100),
    }
    step = attack("pgd", measures)
    assert ruling(text, step, doubts=()).verdict == sound
    found = ruling(text, step)
    assert found.verdict == void
    if void == "error":
        assert "93% had a gradient of zero" in found.why
        assert f"As measured: {sound.upper()}, " in found.why
        assert found.void == MASKED.text
    elif "zero_gradient" not in text:
        assert "all the same" in found.why


def test_a_measure_that_says_nothing_is_bounded_by_its_good_direction():
    """A third party's measure, of which higher is better, can only be worse than measured."""
    step = attack("pgd", {"kept": share(70, 100, better="higher")})
    assert ruling("pgd.kept >= 0.9", step).verdict == "fail"
    assert ruling("pgd.kept >= 0.5", step).verdict == "error"


def test_only_the_cells_that_are_void_are_void():
    """A gate that selects another cell is judged; without a selector the void one decides."""
    good = {"robust_accuracy": share(70, 100, better="higher")}
    step = attack("pgd", good, good)
    doubt = replace(MASKED, cell={"k": "1"})
    assert ruling("pgd[k=0].robust_accuracy >= 0.5", step, doubts=[doubt]).verdict == "pass"
    assert ruling("pgd[k=1].robust_accuracy >= 0.5", step, doubts=[doubt]).verdict == "error"
    found = ruling("pgd.robust_accuracy >= 0.5", step, doubts=[doubt])
    assert (found.verdict, found.cell) == ("error", {"k": "1"})


def test_a_cell_that_fails_is_not_hidden_behind_one_that_is_void():
    """The gate must hold everywhere, so it fails whatever the void cell hides; both are said."""
    high = {"robust_accuracy": share(90, 100, better="higher")}
    low = {"robust_accuracy": share(10, 100, better="higher")}
    step = attack("pgd", high, low)
    found = ruling("pgd.robust_accuracy >= 0.5", step, doubts=[replace(MASKED, cell={"k": "0"})])
    assert (found.verdict, found.cell) == ("fail", {"k": "1"})
    assert "1 of the others cannot be judged" in found.why


def test_what_is_made_of_the_images_of_a_void_attack_is_void():
    """Accuracy on its images rests on the attack; that of another path does not."""
    accuracy = {"accuracy": share(70, 100, better="higher")}
    cells = (CellResult({}, 100, accuracy),)
    moved = StepSummary(
        "moved", "c/x", "classifier", "predictions", cells=cells, path=("test", "pgd", "moved")
    )
    clean = replace(moved, id="clean", path=("test", "clean"))
    pgd = attack("pgd", {"robust_accuracy": share(70, 100)})
    assert ruling("moved.accuracy >= 0.5", pgd, moved, clean).verdict == "error"
    assert ruling("clean.accuracy >= 0.5", pgd, moved, clean).verdict == "pass"


def test_a_change_since_last_rests_on_the_figure_of_today():
    """Not worse than last cannot be shown by a failed attack; that it is worse can."""
    step = attack("pgd", {"robust_accuracy": share(70, 100, better="higher")})
    gate = "pgd.robust_accuracy not_worse_than last"
    for low, high, verdict in ((0.01, 0.05, "error"), (-0.05, -0.01, "fail"), (-0.1, 0.1, "error")):
        change = Measure((low + high) / 2, 100, low=low, high=high, better="higher")
        last = {"last": EarlierRun("then", {("pgd", "", "robust_accuracy"): change})}
        assert ruling(gate, step, earlier=last).verdict == verdict
    assert ruling(gate, step).verdict == "error"


@pytest.mark.parametrize(
    ("threat", "doubts", "verdict"),
    [
        ({}, (MASKED,), "pass"),
        ({}, (MASKED, replace(MASKED, step="square")), "error"),
        ({"control": True}, (MASKED,), "error"),
    ],
)
def test_the_worst_case_is_void_only_where_no_attack_bounds_it(threat, doubts, verdict):
    """A believed attack of the same threat bounds it; a control, or another void one, does not."""
    details = {"victim": "v", "data": "d", "threat": {"norm": "linf", "eps": 0.1}}
    worst = {"worst_case_robust_accuracy": share(70, 100, better="higher", details=details)}
    steps = attack("pgd", worst), attack("square", worst, **threat)
    found = ruling("pgd.worst_case_robust_accuracy >= 0.5", *steps, doubts=doubts)
    assert found.verdict == verdict
    other = {**details, "threat": {"norm": "linf", "eps": 0.2}}
    larger = {"worst_case_robust_accuracy": share(70, 100, better="higher", details=other)}
    steps = attack("pgd", worst), attack("square", larger)
    assert ruling("pgd.worst_case_robust_accuracy >= 0.5", *steps).verdict == "error"


def test_a_curve_that_rises_voids_its_upper_cells_and_no_other():
    """0.2, 0.9, 0.9 at growing eps: both upper cells are above what the first one left."""
    cells = tuple(
        CellResult(
            {"eps": eps},
            100,
            {"robust_accuracy": share(hits, 100, better="higher")},
            parameters={"eps": float(eps)},
        )
        for eps, hits in (("0.1", 20), ("0.2", 90), ("0.3", 90))
    )
    step = StepSummary(
        "pgd",
        "attack/pgd",
        "attack",
        "adversarial",
        cells=cells,
        threat={"eps": "$eps"},
        path=("pgd",),
    )
    doubts = [item for item in caveats((), with_words([step], KNOWN)) if item.level == "void"]
    assert [item.cell for item in doubts] == [{"eps": "0.2"}, {"eps": "0.3"}]
    for eps, verdict in (("0.1", "fail"), ("0.2", "error"), ("0.3", "error")):
        text = f"pgd[eps={eps}].robust_accuracy >= 0.5"
        assert ruling(text, step, doubts=doubts).verdict == verdict


@pytest.mark.parametrize("place", ["path", "compared"])
def test_what_a_metric_reads_from_a_void_attack_is_void(place):
    """In either of two tables that are compared: the pass is an error; without doubts it passes."""
    cells = (CellResult({}, 100, {"agreement": share(70, 100, better="higher")}),)
    step = StepSummary("same", "metric/agreement", "metric", "measure", cells=cells)
    step = replace(step, **{place: ("photos", "pgd", "answers")})
    assert ruling("same.agreement >= 0.5", step, doubts=()).verdict == "pass"
    assert ruling("same.agreement >= 0.5", step).verdict == "error"


def test_what_a_metric_folds_from_one_void_cell_is_void():
    """The mean over k has no k of its own: a void cell below it is one of those it rests on."""
    doubt = replace(MASKED, cell={"k": "1"})
    cells = (CellResult({}, 2, {"other": share(70, 100)}),)
    step = StepSummary("mean", "metric/mean_over_cells", "metric", "measure", cells=cells)
    step = replace(step, path=("photos", "pgd", "mean"))
    assert ruling("mean.other >= 0.5", step, doubts=(doubt,)).verdict == "error"


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("gate", ["odd.auroc >= 0.9", "odd.auroc <= 0.9"])
@pytest.mark.parametrize("folded", [False, True])
def test_of_two_tables_a_void_attack_proves_nothing(better, gate, folded):
    """A stronger attack may bring two tables closer, or apart: no side of the figure is safe."""
    cells = (CellResult({}, 100, {"auroc": share(70, 100, better=better)}),)
    path = ("photos", "pgd", "answers", "odd")
    step = StepSummary("odd", "metric/auroc", "metric", "measure", cells=cells, path=path)
    step = replace(step, against="clean", compared=("clean",))
    steps = [step]
    if folded:
        mean = replace(step, id="mean", against=None, path=(*path, "mean"))
        steps, gate = [step, mean], gate.replace("odd", "mean")
    assert ruling(gate, *steps, doubts=()).verdict == ("pass" if "<=" in gate else "fail")
    found = ruling(gate, *steps)
    assert (found.verdict, found.void) == ("error", MASKED.text)


def test_a_metric_of_two_tables_may_declare_its_side():
    """What the metric itself says of a stronger attack holds."""
    cells = (CellResult({}, 100, {"kept": share(70, 100, better="higher")}),)
    step = StepSummary("same", "metric/x", "metric", "measure", cells=cells, path=("pgd", "same"))
    step = replace(step, against="clean")
    (told,) = with_words([step], {"kept": MeasureInfo(0, 1, attacked="at most")})
    gate = read_gate("same.kept >= 0.9", "x.yaml:9")
    (result,) = judge([gate], {"same": told}, caveats=(MASKED,))
    assert result.verdict == "fail"
