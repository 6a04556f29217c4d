"""Gates that are refused before a run: measures that are not there, limits out of range."""

from __future__ import annotations

import pytest

from adversity.contracts import MeasureInfo
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.engine_measures import OF_ATTACKS, OF_DATA
from adversity.pipeline.plan.measures import measures_of
from adversity.pipeline.plan.recorded import recorded
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

FILE = """\
name: gated
data:
  train: {uses: dataset/digits, with: {split: train, limit: 40}}
  test: {uses: dataset/digits, with: {split: test, limit: 20}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train}
  clean: {uses: net, from: test}
  attacked: {uses: attack/pgd, from: test, against: clean, probe: 5, with: {norm: linf, eps: 0.1}}
gates:
  - "GATE"
"""


@pytest.fixture
def planned(tmp_path):
    """Plan a pipeline of built-in plugins with one gate."""

    def with_gate(gate):
        path = tmp_path / "gated.yaml"
        path.write_text(FILE.replace("GATE", gate), encoding="utf-8")
        return make_plan(load_pipeline(path, root=tmp_path), discover())

    return with_gate


@pytest.fixture
def refused(planned):
    """Return the one finding of a gate that is refused."""

    def with_gate(gate):
        with pytest.raises(PipelineError) as caught:
            planned(gate)
        (finding,) = caught.value.findings
        assert finding.startswith("gated.yaml:10: gate ")
        return finding

    return with_gate


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("clean.ece <= 5", "ece lies in [0, 1], so <= 5 can never fail; did you mean 0.05?"),
        ("clean.accuracy >= 90", "so >= 90 can never pass; did you mean 0.9?"),
        ("clean.accuracy >= 900", "accuracy lies in [0, 1], so >= 900 can never pass"),
        ("lower clean.accuracy > -0.1", "so > -0.1 can never fail"),
        ("clean.accuracy <= -0.1", "so <= -0.1 can never pass"),
        ("clean.accuracy > 1.0", "so > 1 can never pass"),
        ("clean.brier >= 2.5", "brier lies in [0, 2], so >= 2.5 can never pass"),
        ("clean.nll < 0", "nll lies in [0, inf], so < 0 can never pass"),
        ("clean.ssim >= 20", "ssim lies in [-1, 1], so >= 20 can never pass; did you mean 0.2?"),
        ("attacked.zero_gradient_share <= 5", "did you mean 0.05?"),
        ("attacked.full_budget_accuracy <= 20", "did you mean 0.2?"),
        ("attacked.worst_case_robust_accuracy >= 50", "did you mean 0.5?"),
        ("attacked.attack_success <= 30", "did you mean 0.3?"),
        ("test.unreadable_share <= 2", "unreadable_share lies in [0, 1], so <= 2 can never fail"),
    ],
)
def test_a_limit_that_decides_by_itself_is_refused(refused, gate, said):
    """Beyond the range of the measure, and at an end of it that no value passes."""
    assert said in refused(gate)


@pytest.mark.parametrize(
    "gate", ["clean.accuracy >= 0", "clean.ece <= 1", "test.unreadable_share <= 1"]
)
def test_a_limit_that_every_value_meets_is_warned_of(planned, gate):
    """It may be meant as a note, but it cannot fail, and that is said."""
    (warning,) = planned(gate).warnings
    assert warning.startswith(f"gated.yaml:10: gate {gate!r} can never fail: ")


@pytest.mark.parametrize(
    "gate",
    [
        "clean.accuracy >= 1",
        "clean.ece <= 0",
        "upper clean.accuracy >= 0.999",
        "clean.confidence_gap >= -0.1",
        "clean.psnr_db >= 40",
        "clean.nll <= 7",
        "attacked.queries_per_image <= 5000",
        "test.unreadable_share <= 0",
    ],
)
def test_a_limit_inside_the_range_is_not_refused(planned, gate):
    """The ends count as inside where a value can be on either side; what has no end, has none."""
    assert planned(gate).warnings == ()


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("clean.acc >= 0.5", "clean has no measure acc; did you mean accuracy?"),
        ("attacked.acc >= 0.5", "attacked has no measure acc; did you mean robust_accuracy?"),
        ("attacked.robust_acuracy >= 0.5", "did you mean robust_accuracy?"),
        ("clean.robust_accuracy >= 0.5", "it is measured of other steps; clean can have accuracy,"),
        ("clean.accepted_share >= 0.5", "it is measured of other steps; clean can have accuracy,"),
        ("clean.set_coverage >= 0.5", "it is measured of other steps"),
        ("attacked.accuracy >= 0.5", "it is measured of other steps; attacked can have"),
        ("clean.full_budget_accuracy <= 0.2", "clean has no measure full_budget_accuracy"),
        ("test.accuracy >= 0.5", "test has no measure accuracy: it is measured of other steps"),
        ("test.unreadable <= 0.5", "did you mean unreadable_share?"),
        ("test[eps=1].unreadable_share <= 0.5", "test is a data set and has no eps"),
        ("clean.accuracy >= 50%", "expected a number or a fraction, got '50%'; did you mean 0.5?"),
        ("clean.accuracy >= 0,5", "got '0,5'; did you mean 0.5?"),
        ("attacked.queries_per_image <= 1_000", "got '1_000'; did you mean 1000?"),
        ("clean.nll <= 0x10", "expected a number or a fraction, got '0x10'"),
        ("clean.nll <= inf", "expected a number or a fraction, got 'inf'"),
        ("clean.nll <= 1e999", "expected a number or a fraction, got '1e999'"),
    ],
)
def test_what_no_run_could_judge_is_refused(refused, gate, said):
    """Measures that the step cannot have, with what was meant; numbers that are none."""
    assert said in refused(gate)


def test_every_measure_of_the_project_has_a_range(planned):
    """Built-in metrics and the engine declare all that they measure, each with an end.

    But for PSNR, which has none where the peak is a clean image's own range, for a likelihood of
    numbers, and for the share of variance that a poor estimate explains.
    """
    plan = planned("clean.accuracy >= 0.5")
    found = measures_of(plan.metrics)
    assert found.keys() >= {"accuracy", "ece", "robust_accuracy", *OF_ATTACKS, *OF_DATA}
    assert plan.measures == recorded(plan.steps["net"]) | found
    endless = {name for name, info in found.items() if info.low == -float("inf")}
    assert endless == {"psnr_db", "gaussian_nll", "r_squared"}
    assert not MeasureInfo(0, 1).admits(1.01)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("attack/pgd", "pgd", "uses: expected kind/name, got pgd; did you mean attack/pgd?"),
        ("norm: linf", "norm: inf", "got 'inf'; did you mean linf?"),
        ("eps: 0.1", "eps: true", "eps must be a number, got 'true'"),
        ("norm: linf", "norm: 2", "got 2; did you mean l2?"),
    ],
)
def test_what_people_type_first_gets_the_word_that_was_meant(tmp_path, old, new, said):
    """A bare name of a plugin, and the names of norms without their l."""
    path = tmp_path / "gated.yaml"
    text = FILE.replace("GATE", "clean.accuracy >= 0.5").replace(old, new)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PipelineError) as caught:
        make_plan(load_pipeline(path, root=tmp_path), discover())
    assert any(said in finding for finding in caught.value.findings)


def test_fractions_in_lists_are_numbers():
    """`[8/255, 1/2]` where numbers are wanted; where text is, it stays text."""
    from adversity.contracts.plugin import _as_number

    assert _as_number(["8/255", "1/2", 3], tuple[float, ...]) == [8 / 255, 0.5, 3]
    assert _as_number([["1/4"]], tuple[tuple[float, ...], ...]) == [[0.25]]
    assert _as_number(["8/255"], tuple[str, ...]) == ["8/255"]
