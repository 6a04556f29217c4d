"""A threshold, run: what is accepted stands in the table, and is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from adversity import Classifier, Decide, Predictive
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import PipelineError, PluginError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: taken
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  held: {uses: classifier/quarters, from: train}
  answers: {uses: classifier/quarters, from: test}
"""
RULE = """
  rule: {uses: uncertainty/threshold, fit_on: held, with: {score: entropy, rejects: 0.3, of: right}}
  taken: {uses: rule, from: answers}
  doubt: {uses: uncertainty/max_softmax, from: taken}
"""


class Quarters(Classifier):
    """Goes by how bright each quarter is."""

    name: ClassVar[str] = "quarters"
    gives: ClassVar[str] = "probs"

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(f"class_{k}" for k in range(4))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        quarters = images.mean(1).unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4)).flatten(1)
        return (quarters * 20).softmax(1)


class Maybe(Decide):
    """Accepts by half."""

    name: ClassVar[str] = "maybe"
    decides: ClassVar[Any] = "accept"

    def decide(self, predictive: Predictive) -> Predictive:
        assert predictive.probs is not None
        return Predictive(accept=torch.full((len(predictive.probs),), 0.5))


class Several(Decide):
    """Accepts classes, not answers."""

    name: ClassVar[str] = "several"
    decides: ClassVar[Any] = "accept"

    def decide(self, predictive: Predictive) -> Predictive:
        assert predictive.probs is not None
        return Predictive(accept=predictive.probs > 0)


class Else(Decide):
    """Gives sets, and says that it accepts."""

    name: ClassVar[str] = "else"
    decides: ClassVar[Any] = "accept"

    def decide(self, predictive: Predictive) -> Predictive:
        assert predictive.probs is not None
        return Predictive(sets=predictive.probs > 0)


def planned(root: Path, out: Path, steps: str, registry: Any) -> Any:
    """Plan the pipeline; return plan and workspace."""
    file = root / "pipelines/taken.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(PIPELINE + steps, encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root), registry)
    return plan, Workspace(root, out, out / "store")


def run(plan: Any, workspace: Workspace) -> dict[str, Any]:
    """Run all but the report; return the results."""
    names = [stage.step for stage in plan.stages if stage.step != "report"]
    return {step: compute_stage(plan, step, workspace, 1) for step in names}


@pytest.fixture(scope="module")
def finished(quarters: Path, registry_with: Any, tmp_path_factory: Any) -> Any:
    """Everything, run once: plan, workspace and results."""
    out = tmp_path_factory.mktemp("out")
    plan, workspace = planned(quarters, out, RULE, registry_with(Quarters))
    return plan, workspace, run(plan, workspace)


def test_what_is_accepted_is_what_the_held_out_scores_say(finished: Any) -> None:
    """Threshold, column and shares, from the stored probabilities and SciPy's entropy."""
    _, workspace, results = finished
    folder = workspace.outputs / "artifacts/taken"
    held, answers = (read_table(folder / f"{step}/table.parquet") for step in ("held", "answers"))
    scores = np.sort(entropy(held["probs"].astype(np.float64), axis=1)[held["correct"]])
    rank = int(np.ceil((len(scores) + 1) * 0.7))
    [state] = sorted((folder / "rule/states").iterdir())
    arrays, info = read_arrays(state)
    assert (info["n"], info["rank"], info["note"]) == (len(scores), rank, "")
    # SciPy normalises the rows first, and sums in another order: in the last bits.
    assert arrays["threshold"][0] == pytest.approx(scores[rank - 1], rel=1e-6)
    table = read_table(folder / "taken/table.parquet")
    expected = entropy(answers["probs"].astype(np.float64), axis=1) <= arrays["threshold"][0]
    assert np.array_equal(table["accepted"], expected)
    assert 0 < expected.sum() < 24
    right, measures = answers["correct"], results["taken"].measures[""]
    assert measures["accepted_share"].value == expected.mean()
    assert measures["accepted_accuracy"].value == right[expected].mean()
    assert measures["false_rejection_share"].value == (~expected)[right].mean()
    assert measures["accuracy"].value == right.mean()
    doubt = read_table(folder / "doubt/table.parquet")
    assert "accepted" not in doubt
    assert "max_softmax" in doubt


@pytest.mark.parametrize(
    ("old", "new"), [("score: entropy", "score: max_softmax"), ("0.3", "0.4"), ("right", "all")]
)
def test_the_key_rests_on_score_and_share(
    finished: Any, quarters: Path, registry_with: Any, old: str, new: str
) -> None:
    """Whatever changes the threshold."""
    plan, workspace, _ = finished
    other, _ = planned(quarters, workspace.outputs, RULE.replace(old, new), registry_with(Quarters))
    keys = []
    for one in (plan, other):
        stage = open_stage(one, one.stage("taken"), workspace)
        keys.append(stage.cell_key(one.steps["taken"].cells[0]))
    assert keys[0] != keys[1]


def test_a_score_that_goes_by_members_is_refused_while_planning(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """With the line, and what would do."""
    steps = RULE.replace("score: entropy", "score: mutual_information")
    with pytest.raises(PipelineError, match=r"taken.yaml:\d+: .*a score of one answer"):
        planned(quarters, tmp_path, steps, registry_with(Quarters))


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Maybe, "expected accept as bool, got torch.float32; compare with a threshold"),
        (Several, r"expected accept of shape \[24\], got \[24, 4\]"),
        (Else, "expected a Predictive with accept, got none"),
    ],
)
def test_what_decides_nothing_names_the_plugin(
    quarters: Path, registry_with: Any, tmp_path: Path, plugin: Any, message: str
) -> None:
    """What was expected, and what came."""
    steps = f"  odd: {{uses: uncertainty/{plugin.name}, from: answers}}\n"
    made = planned(quarters, tmp_path, steps, registry_with(Quarters, plugin))
    with pytest.raises(PluginError, match=f'uncertainty "{plugin.name}".*{message}'):
        run(*made)
