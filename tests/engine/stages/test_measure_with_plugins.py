"""Metrics of images that need a classifier: fitted, of a step or of the metric's own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from adversity import Classifier, ImageMetric, MeasureInfo, Plugin
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


class Perceived(ImageMetric):
    """How far an image is from the clean one for a network: the distance of its logits."""

    name: ClassVar[str] = "perceived"
    differentiable: ClassVar[bool] = True
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"perceived": MeasureInfo(0.0, better="lower")}

    network: Plugin[Classifier]

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64, the Euclidean distance."""
        seen, clean = self.network.logits(images), self.network.logits(reference)
        return (seen - clean).double().square().sum(1).sqrt()

    def convention(self) -> Mapping[str, object]:
        """Return of what the distance is."""
        return {"of": "logits"}


PIPELINE = """
name: perceived
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test:  {uses: dataset/folder, with: {path: data/test}}
matrix: {c: [0.01, 1.0]}
steps:
  net:     {uses: classifier/logistic_regression, fit_on: train, with: {c: $c}}
  noisy:   {uses: degradation/gaussian_noise, from: test, with: {sigma: 0.2}}
  clean:   {uses: net, from: test}
  answers: {uses: net, from: noisy}
  moved:   {uses: attack/fgsm, from: noisy, against: answers, with: {eps: 8/255}}
  far:     {uses: metric/perceived, from: noisy, with: {network: net}}
  further: {uses: metric/perceived, from: moved, with: {network: net}}
"""


@pytest.fixture(scope="module")
def planned(quarters: Path, registry_with: Any) -> Any:
    """A function that plans the pipeline with a change."""

    def plan(old: str = "", new: str = "") -> Any:
        assert old in PIPELINE
        file = quarters / "pipelines/perceived.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PIPELINE.replace(old, new) if old else PIPELINE, encoding="utf-8")
        return make_plan(load_pipeline(file, root=quarters), registry_with(Perceived))

    return plan


@pytest.fixture(scope="module")
def tables(planned: Any, quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run everything; return a function from step and cell to the rows, by name."""
    out, plan = tmp_path_factory.mktemp("out"), planned()
    workspace = Workspace(quarters, out, out / "store")
    for stage in plan.stages:
        if stage.step != "report":
            compute_stage(plan, stage.step, workspace, 1)

    def rows(step: str, cell: str) -> dict[str, Any]:
        table = read_table(out / f"artifacts/perceived/{step}/table.parquet")
        inside = table["cell"] == cell
        return {name: values[inside] for name, values in table.items()}

    return rows


@pytest.mark.parametrize("cell", ["c=0.01", "c=1.0"])
@pytest.mark.parametrize(("step", "behind"), [("far", "answers"), ("further", "moved")])
def test_the_network_of_the_cell_measures(tables: Any, cell: str, step: str, behind: str) -> None:
    """The distance is that of the logits which the same network gave to the same images."""
    mine, clean, there = tables(step, cell), tables("clean", cell), tables(behind, cell)
    assert list(mine["id"]) == list(clean["id"]) == list(there["id"])
    expected = np.linalg.norm(there["logits"] - clean["logits"], axis=1)
    # Both are float32 logits of one network, from blocks of other rows: rounding alone differs.
    np.testing.assert_allclose(mine["perceived"], expected, rtol=1e-4)
    assert (expected > 1e-3).all()


def test_another_network_is_another_key(planned: Any) -> None:
    """What the network has learnt is a dependency, and its parameters are in the key."""
    stage = planned().stage("far")
    assert "artifacts/perceived/net" in stage.deps
    slices = stage.params["pipelines/perceived.yaml"]
    assert {"steps.far", "steps.net", "matrix.c"} <= set(slices)


def test_under_metrics_no_step_can_stand_in_a_parameter(planned: Any) -> None:
    """A metric there measures every step, those before the network too; the message says the way."""
    with pytest.raises(PipelineError) as caught:
        planned("steps:\n", "metrics: [{uses: metric/perceived, with: {network: net}}]\nsteps:\n")
    finding = caught.value.findings[0]
    assert "network: net is a step, and what stands under data: or metrics: serves every" in finding
    assert "stands under steps: with from:" in finding
