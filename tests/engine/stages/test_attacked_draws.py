"""Attacks on sampled answers, run: judged as the method's own step judges, keyed by its draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.tables import read_table
from adversity.engine.calls.model import ClassifierModel
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.step_images import step_images
from adversity.engine.summary.summarise import build_report
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: pushed
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2, width: 4, dropout: 0.3}}
  sharp: {uses: restoration/gamma_correction, from: test, with: {gamma: 0.8}}
  answers: {uses: net, from: sharp}
  dropout: {uses: uncertainty/mc_dropout, from: answers, with: {draws: 3}}
  doubt: {uses: uncertainty/entropy, from: dropout}
  attacked: {uses: attack/pgd, from: test, against: doubt, with: {eps: 24/255, steps: 3}}
  grey: {uses: attack/fgsm, from: test, against: dropout, knowledge: grey-box, with: {eps: 24/255}}
run: {images: 2}
"""
STEPS = ("net", "answers", "dropout", "attacked")


def planned(root: Path, out: Path, registry: Any, *overrides: str) -> Any:
    """Plan the pipeline; return plan and workspace."""
    file = root / "pipelines/pushed.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(PIPELINE, encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root, overrides=overrides), registry)
    return plan, Workspace(root, out, out / "store")


@pytest.fixture(scope="module")
def finished(quarters: Path, registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything, run once: plan, workspace."""
    plan, workspace = planned(quarters, tmp_path_factory.mktemp("out"), registry_with())
    for stage in plan.stages:
        if stage.step != "report":
            compute_stage(plan, stage.step, workspace, 1)
    return plan, workspace


def rows(workspace: Workspace, step: str) -> dict[str, Any]:
    """Return a step's table."""
    return read_table(workspace.outputs / f"artifacts/pushed/{step}/table.parquet")


def test_the_judge_is_the_method_s_own_step(finished: Any) -> None:
    """Before the attack its table; on the stored images what its plugin says with the same draws."""
    plan, workspace = finished
    attacked, before = rows(workspace, "attacked"), rows(workspace, "dropout")
    assert np.array_equal(attacked["start_prediction"], before["prediction"])
    [cell] = plan.steps["dropout"].cells
    toolbox = toolbox_of(plan, workspace)
    stored = step_images(toolbox, "attacked", cell, list(range(24)))
    assert list(stored.ids) == attacked["id"].tolist()
    streams = SampleRng(seed=3, step="sharp", ids=stored.ids)
    sharp = toolbox.ready("sharp", cell).call.passed(stored.images, {}, streams).images
    model = ClassifierModel(toolbox.ready("net", cell).call)
    rng = SampleRng(seed=3, step="dropout", ids=attacked["id"].tolist())
    said = toolbox.ready("dropout", cell).call((model,), sharp, rng)
    assert np.array_equal(attacked["probs"], said.probs.numpy())
    assert np.array_equal(attacked["fooled"], attacked["start_correct"] & ~attacked["correct"])
    right = attacked["start_correct"]
    assert set(attacked["queries"][right]) == set(attacked["gradients"][right]) == {3}


def test_the_report_says_how_the_gradient_went(finished: Any) -> None:
    """Through so many draws, new for each query; a grey-box attacker does not see them."""
    report = build_report(*finished)
    links = {step.id: step.links for step in report.steps if step.kind == "attack"}
    shown = {link["step"]: link["gradient"] for link in links["attacked"]}
    assert shown["dropout"] == "exact, through all 3 of its draws, which are new for each query"
    assert shown["answers"] == "exact"
    assert shown["doubt"].startswith("none needed")
    grey = {link["step"]: link["gradient"] for link in links["grey"]}
    assert grey["dropout"] == grey["sharp"] == "not seen by the attack (grey-box)"
    assert grey["answers"] == "exact"


@pytest.mark.parametrize(
    ("changed", "other"),
    [
        ("steps.dropout.with.draws=4", True),
        ("steps.dropout.with.p=0.5", True),
        ("seed=4", True),
        ("run.batch_size=5", False),
        ("run.shard_size=9", False),
    ],
)
def test_the_key_rests_on_the_draws(
    finished: Any, quarters: Path, registry_with: Any, changed: str, other: bool
) -> None:
    """And on nothing that changes no number."""
    plan, workspace = finished
    twin, _ = planned(quarters, workspace.outputs, registry_with(), changed)
    keys = []
    for one in (plan, twin):
        stage = open_stage(one, one.stage("attacked"), workspace)
        keys.append(stage.cell_key(one.steps["attacked"].cells[0]))
    assert (keys[0] != keys[1]) is other


def test_same_bytes_for_any_batch_shard_and_worker_count(
    finished: Any, quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """Table and images: draws are keyed by image and query, whoever stands beside it."""
    changes = ("run.shard_size=5", "run.batch_size=3")
    plan, other = planned(quarters, tmp_path, registry_with(), *changes)
    for step in STEPS:
        compute_stage(plan, step, other, 3)
    here, there = (
        [
            (path.name, path.read_bytes())
            for path in sorted((place.outputs / "artifacts/pushed/attacked").rglob("*"))
            if path.suffix in (".parquet", ".safetensors")
        ]
        for place in (finished[1], other)
    )
    assert here == there
