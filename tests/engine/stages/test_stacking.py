"""A combination that is fitted: on the members' held-out answers, keyed by them, and attacked."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: stacked
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  held_out: {uses: dataset/folder, with: {path: data/held}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix: {c: [0.0001, 1.0]}
steps:
  net: {uses: classifier/logistic_regression, fit_on: train, with: {c: $c}}
  held: {uses: net, from: held_out}
  learnt: {uses: uncertainty/deep_ensemble, from: held, over: c}
  answers: {uses: net, from: test}
  alike: {uses: uncertainty/deep_ensemble, from: answers, over: c}
  stacked: {uses: uncertainty/stacking, from: answers, over: c, fit_on: learnt}
  attacked: {uses: attack/pgd, from: test, against: stacked, with: {eps: 24/255, steps: 5}}
  again: {uses: net, from: attacked}
  stack: {uses: uncertainty/stacking, fit_on: learnt}
  judged: {uses: stack, from: again, over: c}
run: {shard_size: 7, images: 2}
"""


def planned(root: Path, out: Path, text: str, *, registry: Any) -> Any:
    """Plan a pipeline; return plan and workspace."""
    file = root / "pipelines/stacked.yaml"
    file.write_text(text, encoding="utf-8")
    return make_plan(load_pipeline(file, root=root), registry), Workspace(root, out, out / "store")


def run(plan: Any, workspace: Workspace) -> None:
    """Run all but the report."""
    for stage in plan.stages:
        if stage.step != "report":
            compute_stage(plan, stage.step, workspace, 1)


@pytest.fixture(scope="module")
def root(quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of four classes, and others of theirs to fit on."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(quarters / "data", root / "data")
    rng = np.random.default_rng(0)
    for image in (root / "data/train").rglob("*.png"):
        place = root / "data/held" / image.relative_to(root / "data/train")
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(Image.open(image)).astype(float) + rng.normal(0, 40)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place)
    (root / "pipelines").mkdir()
    return root


@pytest.fixture(scope="module")
def finished(root: Path, registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything, run once: plan, workspace, results."""
    out = tmp_path_factory.mktemp("out")
    plan, workspace = planned(root, out, PIPELINE, registry=registry_with())
    run(plan, workspace)
    return plan, workspace


def rows(workspace: Workspace, step: str) -> dict[str, Any]:
    """Return a step's table."""
    return read_table(workspace.outputs / f"artifacts/stacked/{step}/table.parquet")


def likelihoods(workspace: Workspace, step: str) -> np.ndarray:
    """Return what each cell of a step says of the true classes, `[N, M]`."""
    table = rows(workspace, step)
    cells = [table["cell"] == cell for cell in ("c=0.0001", "c=1.0")]
    probs = [softmax(table["logits"][cell].astype(np.float64), axis=1) for cell in cells]
    target = table["target"][cells[0]]
    return np.stack([one[np.arange(len(target)), target] for one in probs], 1)


def test_the_weights_are_those_of_the_held_out_answers(finished: Any) -> None:
    """By EM from the members' own tables; the answer is their weighted mean, to float32."""
    _, workspace = finished
    arrays, info = read_arrays(
        workspace.outputs / "artifacts/stacked/stacked/states/all.safetensors"
    )
    truths, weights = likelihoods(workspace, "held"), np.full(2, 0.5)
    for _ in range(20_000):
        shares = truths * weights
        weights = (shares / shares.sum(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(arrays["weights"], weights, atol=1e-3)
    assert info["n"] == len(truths)
    table = rows(workspace, "stacked")
    expected = (table["members"].transpose(1, 0, 2) * arrays["weights"][:, None, None]).sum(0)
    np.testing.assert_allclose(table["probs"], expected, atol=1e-6)
    assert not np.array_equal(table["probs"], rows(workspace, "alike")["probs"])


def test_a_definition_is_fitted_alike(finished: Any) -> None:
    """Fitted once by itself or in its step: the same weights."""
    _, workspace = finished
    one, other = (
        read_arrays(workspace.outputs / f"artifacts/stacked/{step}/states/all.safetensors")[0]
        for step in ("stack", "stacked")
    )
    assert np.array_equal(one["weights"], other["weights"])


def test_it_is_attacked_as_it_answers(finished: Any) -> None:
    """Before the attack and on the stored images: the probabilities of its own steps, to the bit."""
    _, workspace = finished
    attacked, before, after = (rows(workspace, step) for step in ("attacked", "stacked", "judged"))
    assert np.array_equal(attacked["start_prediction"], before["prediction"])
    for name in ("id", "prediction", "probs", "correct"):
        assert np.array_equal(attacked[name], after[name]), name
    right = attacked["start_correct"]
    assert 0 < int(attacked["fooled"].sum()) <= int(right.sum())


@pytest.mark.parametrize("shard_size", [1, 100])
def test_shards_change_nothing(
    finished: Any, root: Path, registry_with: Any, tmp_path: Path, shard_size: int
) -> None:
    """The same bytes from shards of one row and from one shard."""
    _, workspace = finished
    text = PIPELINE.replace("shard_size: 7", f"shard_size: {shard_size}")
    plan, other = planned(root, tmp_path, text, registry=registry_with())
    run(plan, other)
    for file in ("table.parquet", "states/all.safetensors"):
        ours, theirs = (
            (place.outputs / "artifacts/stacked/stacked" / file).read_bytes()
            for place in (workspace, other)
        )
        assert ours == theirs


def test_what_fits_it_is_in_its_key(
    finished: Any, root: Path, registry_with: Any, tmp_path: Path
) -> None:
    """Other held-out images: the members' answers stay finished, what combines them is not."""
    _, workspace = finished
    shutil.copytree(workspace.outputs, tmp_path / "out")
    names = ("answers", "alike", "stacked", "attacked")
    plan, again = planned(root, tmp_path / "out", PIPELINE, registry=registry_with())
    assert not any(open_stage(plan, plan.stage(name), again).pending() for name in names)
    moved = next(iter(sorted((root / "data/held").rglob("*.png"))))
    content = moved.read_bytes()
    try:
        with Image.open(moved) as image:
            other = Image.new(image.mode, image.size)
        other.save(moved)
        plan, again = planned(root, tmp_path / "out", PIPELINE, registry=registry_with())
        for step in ("held", "learnt"):
            shutil.rmtree(again.outputs / f"artifacts/stacked/{step}")
            compute_stage(plan, step, again, 1)
        left = [name for name in names[:3] if open_stage(plan, plan.stage(name), again).pending()]
    finally:
        moved.write_bytes(content)
    assert left == ["stacked"]


def test_the_stage_depends_on_what_fits_it(finished: Any) -> None:
    """DVC knows the table that the weights come from."""
    plan, workspace = finished
    assert "artifacts/stacked/learnt" in plan.stage("stacked").deps
    measures = json.loads(
        (workspace.outputs / "artifacts/stacked/stacked/measures.json").read_text()
    )
    assert 0 < measures["cells"][""]["accuracy"]["value"] <= 1
