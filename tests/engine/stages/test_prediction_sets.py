"""Prediction sets, run: what a decision leaves in a table, and what is measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch

from adversity import Classifier, Decide, Predictive
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import PipelineError, PluginError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: sets
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
MATRIX
steps:
  held: {uses: classifier/quarters, from: train}
  answers: {uses: classifier/quarters, from: test}
"""
SETS = """
  sets: {uses: uncertainty/conformal, from: answers, fit_on: held, with: {alpha: $alpha}}
  doubt: {uses: uncertainty/max_softmax, from: sets}
  smallest: {uses: metric/prediction_sets, from: sets}
"""


class Quarters(Classifier):
    """Goes by how bright each quarter is, roughly: many rows share a probability, as of trees."""

    name: ClassVar[str] = "quarters"
    gives: ClassVar[str] = "probs"

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(f"class_{k}" for k in range(4))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        quarters = images.mean(1).unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4)).flatten(1)
        return (quarters * 20).round().softmax(1)


class Whole(Decide):
    """Leaves every class possible, in numbers that are no sets."""

    name: ClassVar[str] = "whole"

    def decide(self, predictive: Predictive) -> Predictive:
        assert predictive.probs is not None
        return Predictive(sets=torch.ones_like(predictive.probs))


class Nothing(Decide):
    """Says nothing of sets."""

    name: ClassVar[str] = "nothing"

    def decide(self, predictive: Predictive) -> Predictive:
        return Predictive(probs=predictive.probs)


def run(root: Path, out: Path, steps: str, registry: Any, *overrides: str) -> dict[str, Any]:
    """Run all but the report; return the results."""
    file = root / "pipelines/sets.yaml"
    matrix = "matrix: {alpha: [0.1, 0.4]}" if "$alpha" in steps else ""
    file.write_text(PIPELINE.replace("MATRIX", matrix) + steps, encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root, overrides=overrides), registry)
    workspace = Workspace(root, out, out / "store")
    names = [stage.step for stage in plan.stages if stage.step != "report"]
    return {step: compute_stage(plan, step, workspace, 1) for step in names}


@pytest.fixture(scope="module")
def finished(quarters: Path, registry_with: Any, tmp_path_factory: Any) -> Any:
    """Everything, run once: folder and results."""
    out = tmp_path_factory.mktemp("out")
    return out / "artifacts/sets", run(quarters, out, SETS, registry_with(Quarters))


@pytest.mark.parametrize("alpha", ["0.1", "0.4"])
def test_sets_are_what_the_held_out_probabilities_say(finished: Any, alpha: str) -> None:
    """Threshold, sets, sizes and coverage, from the stored probabilities alone; ties are held."""
    folder, results = finished
    tables = {step: read_table(folder / step / "table.parquet") for step in ("held", "answers")}
    held, answers = tables["held"], tables["answers"]
    scores = np.sort(1 - held["probs"].astype(np.float64)[np.arange(32), held["target"]])
    threshold = scores[int(np.ceil(33 * (1 - float(alpha)))) - 1]
    state, info = read_arrays(folder / "sets/states" / f"alpha={alpha}.safetensors")
    assert state["threshold"].tolist() == [threshold]
    assert (info["n"], info["note"]) == (32, "")
    table = read_table(folder / "sets/table.parquet")
    rows = {name: values[table["alpha"] == float(alpha)] for name, values in table.items()}
    expected = 1 - answers["probs"].astype(np.float64) <= threshold
    assert np.array_equal(rows["sets"], expected)
    assert np.array_equal(rows["set_size"], expected.sum(1))
    inside = expected[np.arange(24), answers["target"]]
    assert np.array_equal(rows["in_set"], inside)
    assert 0 < expected.mean() < 1
    assert np.array_equal(rows["prediction"], answers["prediction"])
    measures = results["sets"].measures[f"alpha={alpha}"]
    assert measures["set_coverage"].value == inside.mean()
    assert measures["set_size"].value == pytest.approx(expected.sum(1).mean(), abs=1e-15)
    assert measures["accuracy"].value == results["answers"].measures[""]["accuracy"].value
    alone = results["smallest"].measures[f"alpha={alpha}"]
    assert alone == {name: measures[name] for name in alone}


def test_a_score_stands_behind_sets(finished: Any) -> None:
    """What comes in is still there for it; sets are not copied."""
    folder, _ = finished
    table = read_table(folder / "doubt/table.parquet")
    assert "sets" not in table
    expected = 1 - table["probs"].astype(np.float64).max(1)
    np.testing.assert_allclose(table["max_softmax"], expected, atol=1e-15)


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Whole, "expected sets as bool, got torch.float64; compare with a threshold"),
        (Nothing, "expected a Predictive with sets, got none"),
    ],
)
def test_what_is_no_set_names_the_plugin(
    quarters: Path, registry_with: Any, tmp_path: Path, plugin: Any, message: str
) -> None:
    """The plugin, the step and the sample, and what was expected."""
    steps = f"  odd: {{uses: uncertainty/{plugin.name}, from: answers}}\n"
    with pytest.raises(PluginError, match=message) as caught:
        run(quarters, tmp_path, steps, registry_with(Quarters, plugin))
    assert f'uncertainty "{plugin.name}"' in str(caught.value)


def test_it_must_be_fitted(quarters: Path, registry_with: Any, tmp_path: Path) -> None:
    """Without `fit_on:` it is refused before anything runs."""
    steps = "  sets: {uses: uncertainty/conformal, from: answers}\n"
    with pytest.raises(PipelineError, match="must be fitted; name its data with fit_on:"):
        run(quarters, tmp_path, steps, registry_with(Quarters))
