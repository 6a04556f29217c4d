"""What cannot be attacked with an objective is refused while planning, with what can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from toy_alarm import planned

from adversity import Predictive, Score
from adversity.errors import PipelineError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

STEPS = """
steps:
  net: {uses: classifier/sure, from: test}
  held: {uses: classifier/sure, from: apart}
  taken: {uses: uncertainty/linear, from: net}
  rough: {uses: uncertainty/rough, from: net}
  silent: {uses: uncertainty/silent, from: net}
  doubt: {uses: uncertainty/entropy, from: net}
  behind: {uses: uncertainty/entropy, from: taken}
  sets: {uses: uncertainty/conformal, from: net, fit_on: held}
  crude: {uses: uncertainty/threshold, from: net, fit_on: held, with: {score: steps}}
  fine: {uses: uncertainty/threshold, from: net, fit_on: held, with: {score: entropy}}
  hit: {uses: attack/pgd, from: test, against: fine, objective: look_sure, with: {eps: 0.06}}
"""
HIT = (
    "  hit: {uses: attack/pgd, from: test, against: fine, objective: look_sure, with: {eps: 0.06}}"
)


class Steps(Score):
    """Goes up in steps, and so has no gradient."""

    name: ClassVar[str] = "steps"

    def score(self, predictive: Predictive) -> Tensor:
        assert predictive.probs is not None
        return (10 * predictive.probs.amax(1)).floor()


def plan_with(tmp_path: Path, registry_with: Any, hit: str, more: str = "") -> Any:
    """Plan the steps with another attack."""
    text = STEPS.replace(HIT, f"  hit: {{uses: attack/{hit}}}") if hit else STEPS
    held = "  apart: {uses: dataset/ladder, with: {seed: 1, labels: known}}\n"

    def registry(*classes: Any) -> Any:
        return registry_with(*classes, Steps)

    return planned(tmp_path, registry, held + text + more)


REST = "objective: look_sure, with: {eps: 0.06}"


@pytest.mark.parametrize(
    ("hit", "message"),
    [
        (f"pgd, from: test, against: net, {REST}", 'net .*"sure".* does neither; name a step'),
        (f"pgd, from: test, against: doubt, {REST}", "doubt .*does neither"),
        (f"pgd, from: test, against: sets, {REST}", "sets .*does neither"),
        (f"pgd, from: test, against: behind, {REST}", "behind .*does neither"),
        (f"pgd, from: test, against: silent, {REST}", "silent.* does not say by how much"),
        (f"pgd, from: test, against: rough, {REST}", '"rough" of rough has none.*square, nes'),
        (f"cascade, from: test, against: rough, {REST}", "has none.*square, nes"),
        (f"pgd, from: test, against: crude, {REST}", '"steps" of crude has none.*square, nes'),
        (f"exact, from: test, against: fine, {REST}", "no such.*structure.*pgd, square"),
        (
            "pgd, from: test, against: fine, objective: look_sure, with: {eps: 0.06, targeted: true}",
            "nothing else to aim at.*untargeted",
        ),
        (f"pgd, from: test, against: fine, knowledge: grey-box, {REST}", "expected white-box"),
        (
            f"square, from: test, against: fine, probe: 4, {REST}",
            "this attack queries its victim for",
        ),
        *(
            (
                f"apgd, from: test, against: fine, objective: look_sure, with: {{eps: 0.06, {how}}}",
                f"decision, which has 2 classes.*got some that need {least}; give it another loss",
            )
            for how, least in (("loss: dlr", 3), ("loss: dlr, targets: 2", 4))
        ),
        ("pgd, from: test, against: fine, objective: look_good", "look_sure.*look_unsure"),
    ],
)
def test_one_message_with_the_line(
    tmp_path: Path, registry_with: Any, hit: str, message: str
) -> None:
    """It says what was expected, what came and what to do, at the line of the step."""
    with pytest.raises(PipelineError, match=message) as error:
        plan_with(tmp_path, registry_with, hit)
    assert len(error.value.findings) == 1
    assert str(error.value).startswith("pipelines/p.yaml:")


def test_what_needs_no_gradient_takes_any_score(tmp_path: Path, registry_with: Any) -> None:
    """By scores and decisions; and an attack on the answer goes past a rule of any sort."""
    for hit in (
        "square, from: test, against: crude, objective: look_unsure, with: {eps: 0.06}",
        "hop_skip_jump, from: test, against: rough, objective: look_sure, with: {norm: l2, eps: 1}",
        "pgd, from: test, against: rough, with: {eps: 0.06}",
        "pgd, from: test, against: fine, objective: misclassify, with: {eps: 0.06}",
    ):
        assert plan_with(tmp_path, registry_with, hit).steps["hit"].role == "attack"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("gates: [hit.robust_accuracy >= 0.5]", "hit has no measure robust_accuracy"),
        ("gates: [hit.accuracy >= 0.5]", "hit has no measure accuracy"),
        ("gates: [hit.attack_success <= 0.5]", "hit has no measure attack_success"),
        ("gates: [hit.worst_case_robust_accuracy >= 0.5]", "hit has no measure worst_case"),
        (
            "gates: [hit.look_unsure_success <= 0.5]",
            "has no measure look_unsure_success.*hit can have .*look_sure_success",
        ),
        ("gates: [hit.accepted_share <= 0.5]", "hit has no measure accepted_share"),
        ("gates: [net.look_sure_success <= 0.5]", "net has no measure look_sure_success"),
        (
            "  odd: {uses: metric/robust_accuracy, from: hit}\n",
            "does not measure attacks with objective: look_sure; hit is one",
        ),
        (
            "  odd: {uses: metric/accuracy, from: hit}\n",
            "does not measure attacks with objective: look_sure; hit is one",
        ),
    ],
)
def test_nothing_of_accuracy_can_be_asked_of_it(
    tmp_path: Path, registry_with: Any, more: str, message: str
) -> None:
    """Gates and metric steps on measures that such an attack has not are refused."""
    with pytest.raises(PipelineError, match=message):
        plan_with(tmp_path, registry_with, "", more)


@pytest.mark.parametrize(
    "gate", ["look_sure_success <= 0.5", "false_acceptance_under_attack <= 0.9"]
)
def test_its_own_measures_can_be_gated(tmp_path: Path, registry_with: Any, gate: str) -> None:
    """Those that its objective has."""
    plan = plan_with(tmp_path, registry_with, "", f"gates: [hit.{gate}]")
    assert [one.step for one in plan.gates] == ["hit"]
