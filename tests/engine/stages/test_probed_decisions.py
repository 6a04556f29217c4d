"""`probe:` on an attack on a decision: twice the effort, and everything allowed, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from toy_alarm import COUNT, DUAL, LIMIT, Linear, planned, rows_of, run_all, score_of

import adversity
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.stages.step_images import step_images
from adversity.engine.summary.summarise import build_report, summarise

if TYPE_CHECKING:
    from pathlib import Path

    from adversity import Predictive


class Numb(Linear):
    """The same alarm, whose gradient is zero everywhere: a twin that looks strong."""

    name: ClassVar[str] = "numb"

    def margin(self, predictive: Predictive) -> Any:
        assert predictive.logits is not None
        return super().margin(predictive).detach() + 0 * predictive.logits[:, 2].double()


SHORT = "norm: linf, eps: 0.06, steps: 2, step_size: 0.015, random_start: false"
STEPS = f"""
steps:
  net: {{uses: classifier/sure, from: test}}
  taken: {{uses: uncertainty/linear, from: net}}
  numb: {{uses: uncertainty/numb, from: net}}
  sure: {{uses: attack/pgd, from: test, against: taken, objective: look_sure, probe: 50, with: {{{SHORT}}}}}
  unsure: {{uses: attack/pgd, from: test, against: taken, objective: look_unsure, probe: 50, with: {{{SHORT}}}}}
  bare: {{uses: attack/pgd, from: test, against: taken, objective: look_unsure, with: {{{SHORT}}}}}
  masked: {{uses: attack/pgd, from: test, against: numb, objective: look_sure, probe: 50, with: {{{SHORT}}}}}
run: {{images: 0}}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: Any, registry_with: Any) -> Any:
    """Run once: plan, workspace, and the scores of the images by id."""
    root = tmp_path_factory.mktemp("probed")
    plan = planned(root, lambda *classes: registry_with(*classes, Numb), STEPS)
    workspace, _ = run_all(root, plan)
    cell = plan.steps["net"].cells[0]
    start = step_images(toolbox_of(plan, workspace), "test", cell, list(range(COUNT)))
    return plan, workspace, score_of(start.images.numpy())


@pytest.mark.parametrize(("step", "objective"), [("sure", "look_sure"), ("unsure", "look_unsure")])
def test_the_probed_fall_exactly_as_far_as_they_may_go(
    finished: Any, step: str, objective: str
) -> None:
    """Two steps of 0.015 reach 0.03, four reach 0.06, and a step of a quarter of the box all.

    In linf a score moves by 1.7 times as much. Within a hundredth of a border float32 may decide
    either way.
    """
    plan, workspace, score = finished
    rows = rows_of(workspace, step)
    away = np.abs(score - LIMIT) / DUAL["linf"]
    clear = (np.abs(away - 0.03) > 3e-4) & (np.abs(away - 0.06) > 6e-4)
    open_, probed = rows["attackable"], rows["attackable"] & (np.arange(COUNT) < 50)
    assert np.array_equal(rows[objective][clear], (open_ & (away < 0.03))[clear])
    more, whole = rows["more_steps_fooled"], rows["full_budget_withstood"]
    for column in (more, whole):
        assert np.array_equal(~np.isnan(column), probed)
    assert np.array_equal(more[probed & clear] == 1, (away < 0.06)[probed & clear])
    assert not whole[probed].any()
    [cell] = summarise(plan, workspace)[step].cells
    gain = cell.measures["more_steps_gain_share"]
    found = (more[probed] == 1) & ~rows[objective][probed]
    assert (gain.value, gain.n) == (found.mean(), probed.sum())
    assert gain.value > 0.1
    assert cell.measures["full_budget_withstood_share"].value == 0
    assert "full_budget_accuracy" not in cell.measures
    said = [c.text for c in build_report(plan, workspace).caveats if c.step == step]
    assert any("twice the steps" in text and "its success is too low" in text for text in said)
    assert not any("accuracy" in text for text in said)


def test_a_numb_alarm_is_seen_through(finished: Any) -> None:
    """Nothing moves it, with anything allowed: that voids what looked like strength."""
    plan, workspace, _ = finished
    rows = rows_of(workspace, "masked")
    assert not rows["look_sure"].any()
    [cell] = summarise(plan, workspace)["masked"].cells
    assert cell.measures["full_budget_withstood_share"].value == 1
    said = [
        c.text
        for c in build_report(plan, workspace).caveats
        if (c.step, c.level) == ("masked", "void")
    ]
    assert any(
        "whole space of images" in text and "its success may be too low" in text for text in said
    )


def test_a_probe_changes_nothing_else(finished: Any) -> None:
    """All other columns are those of the same attack without one: costs, draws and images too."""
    _, workspace, _ = finished
    probed, bare = rows_of(workspace, "unsure"), rows_of(workspace, "bare")
    assert set(probed) - set(bare) == {
        "more_steps_fooled",
        "more_restarts_fooled",
        "full_budget_withstood",
    }
    for name, values in bare.items():
        np.testing.assert_array_equal(values, probed[name], err_msg=name)


def test_from_python_it_is_the_same(finished: Any) -> None:
    """A flag each; of the first samples."""
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
        net[1].bias.zero_()
    held, images = (
        torch.rand(60, 1, 2, 2, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)
    )
    rule = adversity.create("uncertainty", "threshold", score="entropy", rejects=0.2)
    fitted = rule.fit(net(held).detach(), torch.zeros(60, dtype=torch.long))
    labels = torch.zeros(60, dtype=torch.long)
    victim = adversity.target(net, fitted, objective="look_unsure")

    def pgd(steps: int, step_size: float, **probe: int) -> Any:
        given: Any = {"eps": 0.02, "steps": steps, "step_size": step_size, "random_start": False}
        return adversity.create("attack", "pgd", **given)(victim, images, labels, **probe)

    # One step as long as the budget leads from one end of the box to the other, where all are unsure.
    assert pgd(1, 0.02, probe=60).flags["full_budget_withstood_share"] == 0
    short, longer = pgd(1, 0.01, probe=60), pgd(2, 0.01)
    gain = (longer.success & ~short.success).sum() / (short.before.predicted == 0).sum()
    assert short.flags["more_steps_gain_share"] == pytest.approx(float(gain))
    assert gain > 0


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("sure.full_budget_accuracy <= 0.2", "sure has no measure full_budget_accuracy"),
        ("bare.full_budget_withstood_share <= 0.2", "measured where the step says probe: N"),
        ("bare.more_steps_gain_share <= 0.2", "measured where the step says probe: N"),
    ],
)
def test_a_gate_on_what_no_probe_measures_is_refused(
    tmp_path: Path, registry_with: Any, gate: str, message: str
) -> None:
    """One message, while planning; on those that it does measure a gate can rest."""

    def plan(gate: str) -> Any:
        text = f"{STEPS}gates: [{gate}]\n"
        return planned(tmp_path, lambda *classes: registry_with(*classes, Numb), text)

    with pytest.raises(adversity.errors.PipelineError, match=message) as error:
        plan(gate)
    assert len(error.value.findings) == 1
    assert len(plan("sure.full_budget_withstood_share <= 0.2").gates) == 1
