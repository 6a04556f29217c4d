"""Attacks on ensembles, run: judged as the ensemble's own step judges, keyed by every member."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import build_report
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: hit
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix: {c: [0.01, 1.0], sigma: [0.05, 0.2]}
steps:
  net: {uses: classifier/logistic_regression, fit_on: train, with: {c: $c}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {sigma: $sigma}}
  brighter: {uses: restoration/gamma_correction, from: noisy, with: {gamma: 0.8}}
  answers: {uses: net, from: noisy}
  bright_answers: {uses: net, from: brighter}
  ensemble: {uses: uncertainty/deep_ensemble, from: [answers, bright_answers], over: c}
  doubt: {uses: uncertainty/entropy, from: ensemble}
  attacked: {uses: attack/pgd, from: noisy, against: doubt, with: {eps: 24/255, steps: 5}}
  grey:
    {uses: attack/pgd, from: noisy, against: ensemble, knowledge: grey-box, with: {eps: 24/255, steps: 5}}
  again: {uses: net, from: attacked}
  bright: {uses: restoration/gamma_correction, from: attacked, with: {gamma: 0.8}}
  bright_again: {uses: net, from: bright}
  judged: {uses: uncertainty/deep_ensemble, from: [again, bright_again], over: c}
run: {shard_size: 7, images: 2}
"""


def planned(root: Path, out: Path, *changes: tuple[str, str], registry: Any) -> Any:
    """Plan the pipeline with changes of its text; return plan and workspace."""
    text = PIPELINE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = root / "pipelines/hit.yaml"
    file.write_text(text, encoding="utf-8")
    return make_plan(load_pipeline(file, root=root), registry), Workspace(root, out, out / "store")


def run(plan: Any, workspace: Workspace) -> dict[str, Any]:
    """Run all but the report."""
    names = [stage.step for stage in plan.stages if stage.step != "report"]
    return {step: compute_stage(plan, step, workspace, 1) for step in names}


@pytest.fixture(scope="module")
def root(quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of four classes."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(quarters / "data", root / "data")
    (root / "pipelines").mkdir()
    return root


@pytest.fixture(scope="module")
def finished(root: Path, registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything, run once: plan, workspace, results."""
    plan, workspace = planned(root, tmp_path_factory.mktemp("out"), registry=registry_with())
    return plan, workspace, run(plan, workspace)


def rows(workspace: Workspace, step: str) -> dict[str, Any]:
    """Return a step's table."""
    return read_table(workspace.outputs / f"artifacts/hit/{step}/table.parquet")


def test_the_judge_is_the_ensemble_s_own_step(finished: Any) -> None:
    """Before the attack, and on the stored images afterwards: the same probabilities, to the bit."""
    _, workspace, _ = finished
    attacked, before, after = (rows(workspace, step) for step in ("attacked", "ensemble", "judged"))
    for name in ("id", "cell"):
        assert list(attacked[name]) == list(before[name]) == list(after[name])
    assert np.array_equal(attacked["start_prediction"], before["prediction"])
    for name in ("prediction", "probs", "confidence", "correct"):
        assert np.array_equal(attacked[name], after[name]), name
    right = attacked["start_correct"]
    assert np.array_equal(attacked["fooled"], right & ~attacked["correct"])
    assert 0 < int(attacked["fooled"].sum()) < int(right.sum())
    assert set(attacked["queries"][right]) == set(attacked["gradients"][right]) == {5}


def test_the_report_names_every_member(finished: Any) -> None:
    """In its own cell, with its own views; a grey-box attacker knows the networks alone."""
    plan, workspace, _ = finished
    report = build_report(plan, workspace)
    links = {step.id: step.links for step in report.steps if step.kind == "attack"}
    names = [(link["step"], link["gradient"]) for link in links["attacked"]]
    bright = [("brighter", "exact"), ("bright_answers[c=0.01]", "exact")]
    assert names[:2] == [("answers[c=0.01]", "exact"), ("answers[c=1.0]", "exact")]
    assert names[2:4] == bright
    assert names[-2:] == [
        ("ensemble", "exact"),
        ("doubt", "none needed (a score does not change the answer)"),
    ]
    grey = {link["step"]: link["gradient"] for link in links["grey"]}
    assert grey["brighter"] == "not seen by the attack (grey-box)"
    assert grey["answers[c=1.0]"] == grey["ensemble"] == "exact"


def test_the_ledger_knows_an_ensemble_by_its_members(finished: Any) -> None:
    """The same for both attacks that answer alike, whatever comes behind as a score."""
    _, workspace, _ = finished
    records = [
        json.loads((workspace.outputs / f"artifacts/hit/{step}/identity.json").read_text())["cells"]
        for step in ("attacked", "grey")
    ]
    (cell, first), *_ = records[0].items()
    assert first["names"]["victim"].startswith(
        "deep_ensemble of (logistic_regression (c: 0.01) | logistic_regression (c: 1) | "
        "gamma_correction (gamma: 0.8) > logistic_regression (c: 0.01) | "
    )
    assert first["data"] == records[1][cell]["data"]
    victims = {record["victim"] for record in records[1].values()}
    assert len(victims) == 1


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ((("c: [0.01, 1.0]", "c: [0.01, 2.0]"),), True),
        ((("c: [0.01, 1.0]", "c: [1.0, 0.01]"),), True),
        ((("from: [answers, bright_answers]", "from: [bright_answers, answers]"),), True),
        (
            (
                (
                    "gamma_correction, from: noisy, with: {gamma: 0.8}",
                    "gamma_correction, from: noisy, with: {gamma: 0.7}",
                ),
            ),
            True,
        ),
        ((("shard_size: 7", "shard_size: 9"),), False),
        ((("from: ensemble}", "from: ensemble}  # said"),), False),
    ],
    ids=[
        "another member",
        "another order",
        "steps in another order",
        "a member's view",
        "shards",
        "a comment",
    ],
)
def test_the_key_rests_on_every_member(
    finished: Any, root: Path, registry_with: Any, changes: Any, other: bool, tmp_path: Path
) -> None:
    """And on nothing that changes no number."""
    plan, workspace, _ = finished
    changed, mine = planned(root, tmp_path / "out", *changes, registry=registry_with())
    shutil.copytree(workspace.outputs, mine.outputs)
    if "2.0" in changes[0][1]:
        compute_stage(changed, "net", mine, 1)
    keys = []
    for one, where in ((plan, workspace), (changed, mine)):
        stage = open_stage(one, one.stage("attacked"), where)
        keys.append(stage.cell_key(one.steps["attacked"].cells[0]))
    assert (keys[0] != keys[1]) is other


def test_same_bytes_for_other_shards(
    finished: Any, root: Path, registry_with: Any, tmp_path: Path
) -> None:
    """Table and images of the attack."""
    _, workspace, _ = finished
    plan, other = planned(
        root, tmp_path / "out", ("shard_size: 7", "shard_size: 3"), registry=registry_with()
    )
    for step in ("net", "ensemble", "attacked"):
        for before in ("answers", "bright_answers") if step == "ensemble" else ():
            compute_stage(plan, before, other, 1)
        compute_stage(plan, step, other, 2)
    here, there = (
        (place.outputs / "artifacts/hit/attacked/table.parquet").read_bytes()
        for place in (workspace, other)
    )
    assert here == there
