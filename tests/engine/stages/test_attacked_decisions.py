"""`objective: look_sure` and `look_unsure` in pipelines: who is attacked, what counts, what is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from toy_alarm import COUNT, DUAL, EPS, LIMIT, planned, rows_of, run_all, score_of

from adversity.contracts.targets import UNKNOWN_CLASS
from adversity.data.ledger import Ledger
from adversity.engine.chain.victim import Victim
from adversity.engine.public.attack_call import AttackCall
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.stored_images import StoredImages
from adversity.engine.summary.summarise import build_report, summarise
from adversity.report.sections.attacks import attack_section

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
matrix:
  norm: [linf, l2, l1]
steps:
  net: {uses: classifier/sure, from: test}
  taken: {uses: uncertainty/linear, from: net}
  sure: {uses: attack/pgd, from: test, against: taken, objective: look_sure, with: {norm: $norm, eps: 0.06, steps: 40, step_size: 0.015}}
  unsure: {uses: attack/pgd, from: test, against: taken, objective: look_unsure, with: {norm: $norm, eps: 0.06, steps: 40, step_size: 0.015}}
run: {images: 4}
"""
WANTED = {"sure": "look_sure", "unsure": "look_unsure"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: Any, registry_with: Any) -> Any:
    """Both objectives in three norms, run once: plan, workspace and results."""
    root = tmp_path_factory.mktemp("alarm")
    plan = planned(root, registry_with, STEPS)
    return plan, *run_all(root, plan)


@pytest.mark.parametrize("norm", list(DUAL))
@pytest.mark.parametrize("step", list(WANTED))
def test_the_alarm_falls_exactly_within_its_closed_form(
    finished: Any, step: str, norm: str
) -> None:
    """Who is open, and who falls: within eps a score moves by eps times the dual norm, no further.

    The network says `safe` of everything, so that `risky`, and whatever class it lacks, is a wrong
    answer. Within a hundredth of the border float32 may decide either way.
    """
    plan, workspace, _ = finished
    rows = rows_of(workspace, step, norm=norm)
    start = step_images(
        toolbox_of(plan, workspace), "test", plan.steps["net"].cells[0], list(range(COUNT))
    )
    assert list(start.ids) == rows["id"].tolist()
    score, reach = score_of(start.images.numpy()), EPS * DUAL[norm]
    accepted, target = score <= LIMIT, rows["target"]
    right, wrong = target == 0, (target == 1) | (target == UNKNOWN_CLASS)
    assert {int(t) for t in target} == {-2, -1, 0, 1}
    open_ = wrong & ~accepted if step == "sure" else right & accepted
    assert np.array_equal(rows["attackable"], open_)
    assert np.array_equal(rows["start_accepted"], accepted)
    assert np.array_equal(rows["start_correct"], right)
    assert np.array_equal(rows["queries"] > 0, open_)
    away = np.abs(score - LIMIT)
    clear = np.abs(away - reach) > 0.01 * reach
    fallen = rows[WANTED[step]]
    assert np.array_equal(fallen[clear], (open_ & (away < reach))[clear])
    assert 2 < fallen.sum() < open_.sum()
    assert np.array_equal(rows["accepted"] != accepted, fallen)
    [cell] = [cell for cell in plan.steps[step].cells if cell.as_dict() == {"norm": norm}]
    after = np.stack(
        StoredImages(workspace.outputs / f"artifacts/p/{step}", cell).read(rows["id"].tolist())
    )
    assert np.array_equal(score_of(after) <= LIMIT, rows["accepted"])
    assert np.array_equal(after[~open_], start.images.numpy()[~open_])


@pytest.mark.parametrize("step", list(WANTED))
def test_it_is_what_python_gives(finished: Any, step: str) -> None:
    """Bit for bit: images, sizes, costs and successes of the public call on the same links."""
    plan, workspace, _ = finished
    toolbox, [cell, *_] = toolbox_of(plan, workspace), plan.steps[step].cells
    start = step_images(toolbox, "test", cell, list(range(COUNT)))
    rows = rows_of(workspace, step, norm="linf")
    some = np.flatnonzero(rows["target"] != -2)  # Python takes no sample without a label
    links = toolbox.links(plan.victim(step), cell)
    ready = toolbox.ready(step, cell)
    name, ready.plugin.__class__.name = (
        ready.plugin.name,
        step,
    )  # its random numbers are keyed by it
    try:
        found = AttackCall(ready)(
            Victim(links, objective=WANTED[step]),  # type: ignore[arg-type]
            start.images[some],
            rows["target"][some],
            ids=[start.ids[row] for row in some],
            seed=plan.spec.seed,
        )
    finally:
        ready.plugin.__class__.name = name
    stored = StoredImages(workspace.outputs / f"artifacts/p/{step}", cell).read(list(start.ids))
    assert np.array_equal(found.images.numpy(), np.stack(stored)[some])
    assert np.array_equal(found.success.numpy(), rows[WANTED[step]][some])
    assert np.array_equal(found.norms.numpy(), rows["distance"][some])
    assert np.array_equal(found.gradients.numpy(), rows["gradients"][some])


def test_what_is_measured_is_counted_by_hand(finished: Any) -> None:
    """Success among the open, false decisions among all; and nothing that speaks of accuracy."""
    plan, workspace, results = finished
    for step, objective in WANTED.items():
        rows, found = rows_of(workspace, step, norm="l2"), results[step].measures["norm=l2"]
        fallen, known = rows[objective], rows["target"] >= 0
        success = found[f"{objective}_success"]
        assert (success.value, success.n) == (
            fallen[rows["attackable"]].mean(),
            rows["attackable"].sum(),
        )
        over = known & (rows["start_correct"] == (step == "unsure"))
        under = (
            "false_rejection_under_attack" if step == "unsure" else "false_acceptance_under_attack"
        )
        before = rows["start_accepted"] == (step == "sure")
        assert (found[under].value, found[under].n) == ((before | fallen)[over].mean(), over.sum())
        assert found["gradients_per_image"].value == rows["gradients"][rows["attackable"]].mean()
        assert not {name for name in found if "accuracy" in name or name == "attack_success"}
        assert not {name for name in found if name.startswith("accepted")}
    summaries = summarise(plan, workspace, ledger=Ledger(workspace.root / "ledger"))
    for step, objective in WANTED.items():
        for cell in summaries[step].cells:
            assert "worst_case_robust_accuracy" not in cell.measures
            worst, own = (cell.measures[n] for n in ("worst_case_success", f"{objective}_success"))
            assert (worst.value, worst.n) == (own.value, own.n)
    victims = {
        (facts["facts"]["objective"], facts["victim"])
        for step in WANTED
        for facts in identities(workspace, step)
    }
    assert {objective for objective, _ in victims} == set(WANTED.values())
    assert len({victim for _, victim in victims}) == 2


def identities(workspace: Any, step: str) -> Any:
    """Return what the artifact of an attack says of each cell."""
    path = workspace.outputs / f"artifacts/p/{step}/identity.json"
    return json.loads(path.read_text())["cells"].values()


def test_the_report_says_what_it_was_after(finished: Any) -> None:
    """Whom it attacked and what it tried; images under their own name; no word of robust accuracy."""
    plan, workspace, _ = finished
    report = build_report(plan, workspace)
    section = attack_section(report)
    assert section is not None
    text = str(section)
    assert "to have right answers rejected by taken" in text
    assert "attacked are wrong answers that were rejected" in text
    assert "look unsure" in text
    assert "robust accuracy" not in text.replace("Of accuracy under attack", "")
    assert "flipped by the attack" not in report.population
    assert report.population.keys() & {"made to look sure by the attack"}


@pytest.mark.parametrize(
    "settings", ["run: {shard_size: 7, batch_size: 5}", "run: {shard_size: 1, workers: 2}"]
)
def test_any_shards_give_the_same_bytes(
    finished: Any, tmp_path: Path, registry_with: Any, settings: str
) -> None:
    """Table and images do not depend on how they were cut."""
    _, workspace, _ = finished
    text = STEPS.replace("run: {images: 4}", settings).replace("[linf, l2, l1]", "[linf]")
    plan = planned(tmp_path, registry_with, text)
    other, _ = run_all(tmp_path, plan)
    for step in WANTED:
        ours, theirs = rows_of(other, step), rows_of(workspace, step, norm="linf")
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            assert values.tobytes() == theirs[name].tobytes() or np.array_equal(
                values, theirs[name]
            )


def test_the_key_rests_on_the_objective(tmp_path: Path, registry_with: Any) -> None:
    """Another objective is another attack, and the same one the same."""
    keys = set()
    for objective in ("misclassify", "look_sure", "look_unsure", "look_unsure"):
        plan = planned(tmp_path, registry_with, STEPS, f"steps.unsure.objective={objective}")
        workspace = Workspace(tmp_path, tmp_path / "out", tmp_path / "store")
        stage: Any = open_stage(plan, plan.stage("unsure"), workspace)
        keys.add(stage.cell_key(plan.steps["unsure"].cells[0]))
    assert len(keys) == 3
