"""`mc_dropout` behind `classes:`: every draw is of the classes that are left, when asked and attacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.tables import read_table
from adversity.engine.calls.model import ClassifierModel
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.step_images import step_images
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: left
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}, unknown: keep}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2, width: 4, dropout: 0.3}}
  whole: {uses: net, from: test}
  answers: {uses: net, from: test, classes: CLASSES}
  all_drawn: {uses: uncertainty/mc_dropout, from: whole, with: {draws: 3}}
  drawn: {uses: uncertainty/mc_dropout, from: answers, with: {draws: 3}}
  attacked: {uses: attack/pgd, from: test, against: drawn, with: {eps: 24/255, steps: 3}}
run: {images: 0}
"""


@pytest.fixture(scope="module")
def finished(quarters: Path, registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything, run once: plan, workspace and the classes that are left."""
    names = sorted(folder.name for folder in (quarters / "data/train").iterdir())
    left = [names[0], names[2], names[3]]
    file = quarters / "pipelines/left.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(PIPELINE.replace("CLASSES", f"[{', '.join(left)}]"), encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=quarters), registry_with())
    out = tmp_path_factory.mktemp("out")
    workspace = Workspace(quarters, out, out / "store")
    for stage in plan.stages:
        if stage.step != "report":
            compute_stage(plan, stage.step, workspace, 1)
    return plan, workspace, left


def rows(workspace: Workspace, step: str) -> dict[str, Any]:
    """Return a step's table."""
    return read_table(workspace.outputs / f"artifacts/left/{step}/table.parquet")


def test_each_draw_is_that_of_all_classes_over_those_that_are_left(finished: Any) -> None:
    """The same streams drop the same units, so that a draw is the whole one without a class.

    The two methods have names of their own, and so other streams: the draws are made again.
    """
    plan, workspace, left = finished
    toolbox, [cell] = toolbox_of(plan, workspace), plan.steps["drawn"].cells
    table = rows(workspace, "drawn")
    images = step_images(toolbox, "test", cell, list(range(len(table["id"]))))
    assert list(images.ids) == table["id"].tolist()
    model = ClassifierModel(toolbox.ready("whole", cell).call)
    rng = SampleRng(seed=3, step="drawn", ids=images.ids)
    said = toolbox.ready("all_drawn", cell).call((model,), images.images, rng)
    kept = said.members[:, :, [0, 2, 3]]
    expected = (kept / kept.sum(2, keepdim=True)).transpose(0, 1).numpy()
    # A softmax over fewer classes, and the whole one divided: two roundings of float32.
    np.testing.assert_allclose(table["members"], expected, atol=3e-6)
    assert table["probs"].shape[1] == len(left)
    assert toolbox.table("drawn").classes[""] == tuple(left)
    assert np.array_equal(table["probs"].argmax(1), table["prediction"])
    own = rows(workspace, "all_drawn")
    assert own["members"].shape[2] == 4


def test_who_has_no_class_that_is_left_is_not_judged(finished: Any) -> None:
    """Its target is unknown, it is not right, and not attacked."""
    _, workspace, _ = finished
    table, attacked = rows(workspace, "drawn"), rows(workspace, "attacked")
    unknown = table["target"] == -1
    assert unknown.sum() == len(unknown) / 4
    assert not table["correct"][unknown].any()
    assert (attacked["queries"][unknown] == 0).all()
    assert np.array_equal(attacked["start_prediction"], table["prediction"])
    assert np.array_equal(attacked["start_correct"], table["correct"])


def test_the_judge_is_the_method_s_own_step(finished: Any) -> None:
    """On the stored images what its plugin says with the same draws, over the classes left."""
    plan, workspace, _ = finished
    toolbox, [cell] = toolbox_of(plan, workspace), plan.steps["drawn"].cells
    attacked = rows(workspace, "attacked")
    stored = step_images(toolbox, "attacked", cell, list(range(len(attacked["id"]))))
    model = ClassifierModel(toolbox.ready("answers", cell).call)
    rng = SampleRng(seed=3, step="drawn", ids=stored.ids)
    said = toolbox.ready("drawn", cell).call((model,), stored.images, rng)
    assert np.array_equal(said.probs.numpy(), attacked["probs"])
    moved = attacked["distance"] > 0
    assert moved[attacked["start_correct"]].all()
