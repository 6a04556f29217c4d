"""Which attacks may be probed, and which gates may rest on it: said before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adversity import Attack
from adversity.contracts.goal import GOALS
from adversity.pipeline.plan.probing import probe_fault, probe_measures, unprobed

if TYPE_CHECKING:
    from adversity.contracts import PluginBase


class Control(Attack):
    """Noise."""

    control = True
    eps: float = 0.1

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return images


class Bare(Control):
    """Follow the gradient, once."""

    control = False


class Asks(Bare):
    """Ask for scores."""

    access = "scores"


class Turns(Bare):
    """Turn the image."""

    threat = "parametric"


class Afar(Bare):
    """Have a distance of its own."""

    threat = "distance"


class Nothing(Attack):
    """Have nothing that could be changed."""

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return images


class Whole(Bare):
    """Have it all."""

    steps: int = 1
    restarts: int = 1


@pytest.mark.parametrize(
    ("cls", "knowledge", "why"),
    [
        (Control, "white-box", "a control follows none"),
        (Asks, "white-box", "queries its victim for scores"),
        (Bare, "grey-box", "a grey-box attack does not see it"),
        (Turns, "white-box", "does not say how large that is"),
        (Afar, "white-box", "does not say how large that is"),
        (Nothing, "white-box", "changes eps, steps, restarts, and this attack has none"),
    ],
)
def test_an_attack_that_cannot_be_probed_is_refused_with_the_reason(
    cls: Any, knowledge: str, why: str
) -> None:
    """A probe that could say nothing is no probe."""
    assert why in str(probe_fault(cls, knowledge))


def test_an_attack_is_probed_for_what_it_has_parameters_for() -> None:
    """No parameter, no measure."""
    assert probe_fault(Bare, "white-box") is None
    assert probe_measures(Bare) == ("full_budget_accuracy",)
    assert len(probe_measures(Whole)) == 3
    on_decisions = probe_measures(Whole, GOALS["look_sure"])
    assert on_decisions == ("full_budget_withstood_share", *probe_measures(Whole)[1:])


@pytest.mark.parametrize(
    ("cls", "probe", "why"),
    [(Whole, None, "says probe: N"), (Bare, 5, "parameter steps"), (Whole, 5, None)],
)
def test_what_will_not_be_measured_is_known_beforehand(
    cls: type[PluginBase], probe: int | None, why: str | None
) -> None:
    """A gate on it would be an error after hours; other measures are not its business."""
    found = unprobed("more_steps_gain_share", cls, probe)
    assert (found is None) is (why is None)
    assert (why or "") in (found or "")
    assert unprobed("accuracy", cls, probe) is None


def test_file_and_line_stand_with_a_refusal(refuse: Any, plan: Any, pipeline_text: str) -> None:
    """On a step that is no attack, on a grey-box one, with another number than 1, 2, 3 and so on."""
    probed = pipeline_text.replace(
        "    against: confidence\n", "    against: confidence\n    PROBE\n"
    )
    made = plan(probed.replace("PROBE", "probe: 12"))
    assert made.steps["attacked"].options["probe"] == 12
    assert "probe" not in plan(pipeline_text).steps["attacked"].options

    (found,) = refuse(
        pipeline_text.replace("{uses: net, from: photos}", "{uses: net, from: photos, probe: 3}")
    )
    assert (
        found
        == 'pipelines/toy.yaml:13: probe: is for attacks; classifier "tiny" (toys 1.2) is none'
    )
    refused = refuse(probed.replace("PROBE", "probe: 12\n    knowledge: grey-box"))
    assert any(
        'toy.yaml:22: probe: attack "push" (toys 1.2) cannot be probed' in f for f in refused
    )
    for wrong in ("0", "1.5", "all"):
        assert any(
            "toy.yaml:22" in found for found in refuse(probed.replace("PROBE", f"probe: {wrong}"))
        )


def test_a_gate_on_what_is_not_probed_is_refused(
    refuse: Any, plan: Any, pipeline_text: str
) -> None:
    """Push has eps and steps, but no restarts."""
    old = "  - lower predictions[severity=3].accuracy >= 0.60\n"
    text = pipeline_text.replace(old, "  - upper attacked.MEASURE <= 0.2\n")
    (found,) = refuse(text.replace("MEASURE", "full_budget_accuracy"))
    assert "toy.yaml:27: gate" in found
    assert "says probe: N; it does not" in found
    text = text.replace("    against: confidence\n", "    against: confidence\n    probe: 4\n")
    assert plan(text.replace("MEASURE", "full_budget_accuracy")).gates
    (found,) = refuse(text.replace("MEASURE", "more_restarts_gain_share"))
    assert "toy.yaml:28: gate" in found
    assert "the parameter restarts" in found
