"""Measures of a run whose samples share groups: every interval allows for it, or there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from toy_labels import TOYS

from adversity import Measure, Metric
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import summarise
from adversity.metrics import accuracy_of, grouped, mean_interval
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity import Table


class Spread(Metric):
    """The range of the confidence, with an interval that knows of no groups."""

    name: ClassVar[str] = "spread"
    wants: ClassVar[tuple[str, ...]] = ("confidence",)
    produces: ClassVar[tuple[str, ...]] = ("confidence_range",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        values = table["confidence"]
        width = float(values.max() - values.min())
        return {"confidence_range": Measure(width, len(values), width / 2, width, method="made up")}


STEPS = """
  noisy: {uses: degradation/gaussian_noise, from: photos, with: {severity: 2}}
  better: {uses: restoration/gamma_correction, from: noisy}
  before: {uses: classifier/bright, from: noisy}
  answers: {uses: classifier/bright, from: better}
  few: {uses: attack/pgd, from: photos, against: sharp, with: {eps: 0.03, steps: 2}, probe: 5}
  sharp: {uses: classifier/bright, from: photos}
  apart: {uses: metric/auroc, from: known, against: before}
  known: {uses: classifier/bright, from: judged}
  same: {uses: metric/agreement, from: answers, against: before}
  quality: {uses: metric/psnr, from: noisy}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: Any, registry_with: Any) -> Any:
    """A run with every shape of measure, and what it says as a whole."""
    root = tmp_path_factory.mktemp("grouped")
    file = root / "pipelines/p.yaml"
    file.parent.mkdir()
    data = "photos: {uses: dataset/mixed, with: {says: groups}, unknown: keep}\n"
    data += "  judged: {uses: dataset/mixed, with: {says: groups, rows: judged, seed: 1}}"
    more = "metrics: [metric/spread, metric/psnr]\n"
    file.write_text(f"name: p\ndata:\n  {data}\nsteps:{STEPS}{more}", encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root), registry_with(*TOYS, Spread))
    workspace = Workspace(root, root / "out", root / "store")
    for stage in plan.stages:
        compute_stage(plan, stage.step, workspace, 1)
    return root / "out/artifacts/p", summarise(plan, workspace)


def test_no_interval_takes_samples_of_a_group_for_independent(finished: Any) -> None:
    """Of every measure of every step: the method says that it allows for groups, or there is none."""
    _, steps = finished
    told: dict[str, str | None] = {}
    for step in steps.values():
        for cell in step.cells:
            for name, measure in cell.measures.items():
                told[name] = measure.method
                assert (measure.low is None) is (measure.method is None), name
                assert measure.low is None or str(measure.method).endswith("grouped"), name
    expected = {"accuracy", "ece", "nll", "brier", "confidence_gap", "auroc", "p_true"}
    expected |= {"fpr95_unknown_positive", "fpr95_known_positive", "aupr_unknown", "aupr_known"}
    expected |= {"agreement", "psnr_db", "robust_accuracy", "attack_success"}
    expected |= {"zero_gradient_share", "full_budget_accuracy"}
    assert {name for name in expected if told[name] is None} == set()
    assert told["confidence_range"] is None


def test_the_intervals_are_those_of_the_rows(finished: Any) -> None:
    """Accuracy and PSNR by hand, from what the tables hold; values are what they were."""
    folder, steps = finished
    rows = read_table(folder / "answers/table.parquet")
    known = rows["target"] >= 0
    right, groups = rows["correct"][known], rows["group"][known]
    measure = steps["answers"].cells[0].measures["accuracy"]
    own = grouped(accuracy_of(right), right, groups)
    assert (measure.value, measure.low, measure.high) == (own.value, own.low, own.high)
    values = rows["psnr_db"]
    psnr = steps["answers"].cells[0].measures["psnr_db"]
    own = grouped(replace(mean_interval(values), info=psnr.info), values, rows["group"])
    assert (psnr.value, psnr.low, psnr.high) == (own.value, own.low, own.high)


def test_a_metric_that_knows_of_no_groups_says_why_it_has_no_interval(finished: Any) -> None:
    """Its number stays."""
    _, steps = finished
    measure = steps["answers"].cells[0].measures["confidence_range"]
    assert measure.value > 0
    assert measure.convention["interval"] == "none that allows for samples which come in groups"
