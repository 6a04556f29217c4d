"""Stacking on answers to images that members were fitted on trusts one that learnt them by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import adversity
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PIPELINE = """
name: stacked
data:
  train: {uses: dataset/digits, with: {split: train, limit: 300}}
  test: {uses: dataset/digits, with: {split: test, limit: 300}}
steps:
  tree: {uses: classifier/decision_tree, fit_on: train, folds: 3}
  lines: {uses: classifier/logistic_regression, fit_on: train, folds: 3}
  seen_tree: {uses: tree, from: train}
  seen_lines: {uses: lines, from: train}
  seen: {uses: uncertainty/deep_ensemble, from: [seen_tree, seen_lines]}
  by_tree: {uses: tree, from: test}
  by_lines: {uses: lines, from: test}
  stacked: {uses: uncertainty/stacking, from: [by_tree, by_lines], fit_on: seen}
"""


@pytest.fixture(scope="module")
def ran(registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run it; return the registry and the artifacts."""
    root, registry = tmp_path_factory.mktemp("project"), registry_with()
    plan, workspace = planned(root, PIPELINE, registry)
    for stage in plan.stages:
        if stage.step != "report":
            compute_stage(plan, stage.step, workspace, 1)
    return registry, workspace.outputs / "artifacts/stacked"


def planned(root: Path, text: str, registry: Any) -> Any:
    """Plan it; return plan and workspace."""
    (root / "pipelines").mkdir(exist_ok=True)
    file = root / "pipelines/stacked.yaml"
    file.write_text(text, encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root), registry)
    return plan, Workspace(root, root, root / "store")


def test_out_of_fold_a_tree_that_grew_to_its_end_is_not_trusted(ran: Any) -> None:
    """The tree is right about 7 in 10 images that it did not see, the lines about 9.

    With the weights of `in_fold_weight` the judged labels are less likely, by half a nat and more.
    """
    artifacts = ran[1]
    weights = read_arrays(artifacts / "stacked/states/all.safetensors")[0]["weights"]
    assert weights[0] < 0.3
    assert in_fold_weight() > 0.99
    seen = read_table(artifacts / "seen/table.parquet")
    assert 0.55 < (seen["members"][:, 0].argmax(1) == seen["target"]).mean() < 0.85
    judged = read_table(artifacts / "stacked/table.parquet")
    members, target = judged["members"].astype(np.float64), judged["target"]
    truths = members[np.arange(len(target)), :, target]
    trusting, wise = (np.log(truths @ w).mean() for w in ([0.99, 0.01], weights))
    assert wise > trusting + 0.5
    assert judged["correct"].mean() > (members[:, 0].argmax(1) == target).mean() + 0.1


def in_fold_weight() -> float:
    """Return what stacking gives such a tree on the digits that fitted it, beside such lines."""
    grey, labels = load_digits(return_X_y=True)
    images = torch.from_numpy(grey[:300] / 16).float().view(-1, 1, 8, 8)
    members = [
        adversity.create("classifier", name).fit(images, labels[:300])
        for name in ("decision_tree", "logistic_regression")
    ]
    tree, lines = members[0](images).double(), members[1](images).double()
    said = torch.stack([tree.clamp_min(1e-300).log(), lines])
    fitted = adversity.create("uncertainty", "stacking").fit(said, labels[:300])
    return float(fitted.ready.state.arrays["weights"][0])


def test_in_fold_is_refused_by_a_pipeline(ran: Any, tmp_path: Path) -> None:
    """Answers to the images that fitted the members fit nothing, unless they are out of fold."""
    text = PIPELINE.replace(", folds: 3", "")
    with pytest.raises(
        PipelineError, match="seen would be judged on images that fitted tree, lines"
    ):
        planned(tmp_path, text, ran[0])
