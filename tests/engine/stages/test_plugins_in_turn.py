"""A step whose plugin is a variable of the matrix, run: each cell is the step that it stands for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch

from adversity import Classifier
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import build_report, summarise
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

DATA = """
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
"""
TOGETHER = """
matrix: {way: [gaussian_blur, low_light], model: [linear_svm, logistic_regression]}
steps:
  net: {uses: classifier/$model, fit_on: train}
  bad: {uses: degradation/$way, from: test, with: {severity: 2}}
  answers: {uses: net, from: bad}
  quality: {uses: metric/psnr, from: bad}
  attacked: {uses: attack/fgsm, from: bad, against: answers, with: {eps: 8/255}}
"""
APART = """
steps:
  net: {uses: classifier/linear_svm, fit_on: train}
  bad: {uses: degradation/low_light, from: test, with: {severity: 2}}
  answers: {uses: net, from: bad}
  quality: {uses: metric/psnr, from: bad}
  attacked: {uses: attack/fgsm, from: bad, against: answers, with: {eps: 8/255}}
"""
STEPS = ("answers", "quality", "attacked")
RESTORED = """
matrix: {way: [lime, non_local_means, gamma_correction]}
steps:
  net: {uses: classifier/linear_svm, fit_on: train}
  better: {uses: restoration/$way, from: test}
  answers: {uses: net, from: better}
  noise: {uses: metric/noise_level, from: better}
"""
WIDTHS = """
matrix: {model: [two, three]}
steps:
  net: {uses: classifier/$model}
  answers: {uses: net, from: test}
"""


class Two(Classifier):
    """Sure of the first class."""

    name: ClassVar[str] = "two"
    names: ClassVar[tuple[str, ...]] = ("0", "1")

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return torch.eye(len(self.names))[[0] * len(images)]


class Three(Two):
    """Of three classes."""

    name: ClassVar[str] = "three"
    names: ClassVar[tuple[str, ...]] = ("0", "1", "2")


def planned(
    root: Path, out: Path, text: str, *overrides: str, registry: Any = None
) -> tuple[Any, Workspace]:
    """Plan a text for a folder of its own."""
    out.mkdir(exist_ok=True)
    (root / "pipelines/turns.yaml").write_text(f"name: turns\n{DATA}{text}")
    loaded = load_pipeline(root / "pipelines/turns.yaml", root=root, overrides=overrides)
    return make_plan(loaded, registry or discover()), Workspace(root, out, out / "store")


def execute(plan: Any, workspace: Workspace) -> None:
    """Run all but the report."""
    for stage in plan.stages:
        if stage.step != "report":
            compute_stage(plan, stage.step, workspace, 1)


@pytest.fixture(scope="module")
def together(quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Workspace]:
    """Both in one pipeline, run."""
    plan, workspace = planned(quarters, tmp_path_factory.mktemp("out") / "o", TOGETHER)
    execute(plan, workspace)
    return plan, workspace


def test_a_cell_is_the_step_that_it_stands_for(
    together: tuple[Any, Workspace], quarters: Path, tmp_path: Path
) -> None:
    """Every number of one cell, to the bit, as steps with these plugins give it."""
    alone, apart = planned(quarters, tmp_path / "apart", APART)
    execute(alone, apart)
    for step in STEPS:
        table = read_table(together[1].outputs / f"artifacts/turns/{step}/table.parquet")
        model = [] if step == "quality" else ["model=linear_svm"]
        inside = table["cell"] == ",".join(["way=low_light", *model])
        assert inside.sum() == 24
        single = read_table(apart.outputs / f"artifacts/turns/{step}/table.parquet")
        for name in single.keys() - {"cell"}:
            numbers = single[name].dtype.kind == "f"  # SSIM is NaN: these images are too small
            assert np.array_equal(table[name][inside], single[name], equal_nan=numbers), name
    others = read_table(together[1].outputs / "artifacts/turns/answers/table.parquet")
    cells = [others["logits"][others["cell"] == cell] for cell in dict.fromkeys(others["cell"])]
    assert len({rows.tobytes() for rows in cells}) == 4  # each plugin answers otherwise


def test_another_plugin_in_the_list_leaves_finished_cells(
    together: tuple[Any, Workspace], quarters: Path
) -> None:
    """What is pending are the cells of the new one; without the list's first, nothing is."""
    _, workspace = together
    before = (quarters / "pipelines/turns.yaml").read_text()
    more = "matrix.way=[gaussian_blur, low_light, gaussian_noise]"
    for override, cells in ((more, {"gaussian_noise"}), ("matrix.way=[low_light]", set())):
        plan, _ = planned(quarters, workspace.outputs, TOGETHER, override)
        stage = open_stage(plan, plan.stage("answers"), workspace)
        assert {dict(shard.cell.values)["way"] for shard in stage.pending()} == cells
    (quarters / "pipelines/turns.yaml").write_text(before)


def test_another_classifier_in_the_list_leaves_finished_cells(
    together: tuple[Any, Workspace], quarters: Path, tmp_path: Path
) -> None:
    """The artifact of the fitted step has one state more; a cell hangs on its own state alone."""
    outputs, store = together[1].outputs, together[1].store
    shutil.copytree(outputs / "artifacts", tmp_path / "artifacts")
    before = (quarters / "pipelines/turns.yaml").read_text()
    more = "matrix.model=[linear_svm, logistic_regression, rbf_svm]"
    plan, _ = planned(quarters, tmp_path, TOGETHER, more)
    (quarters / "pipelines/turns.yaml").write_text(before)
    workspace = Workspace(quarters, tmp_path, store)
    for step in ("net", "answers"):
        stage = open_stage(plan, plan.stage(step), workspace)
        assert {dict(shard.cell.values)["model"] for shard in stage.pending()} == {"rbf_svm"}
        compute_stage(plan, step, workspace, 1)


def test_the_report_names_each_plugin(together: tuple[Any, Workspace]) -> None:
    """What the step uses is the variable; which plugins that are stands beside it, with licences."""
    plan, workspace = together
    summaries = summarise(plan, workspace)
    assert summaries["bad"].uses == "degradation/$way"
    named = summaries["bad"].plugin["plugins"]
    assert [one["uses"] for one in named] == ["degradation/gaussian_blur", "degradation/low_light"]
    assert all(one["licence"] and one["distribution"] == "adversity" for one in named)
    assert summaries["attacked"].uses == "attack/fgsm"
    assert summaries["attacked"].plugin["distribution"] == "adversity"


def test_the_report_asks_each_plugin_what_it_is(together: tuple[Any, Workspace]) -> None:
    """The facts of each classifier stand with its cells, and each has its row in an attack's chain."""
    plan, workspace = together
    steps = {step.id: step for step in build_report(plan, workspace, tracked=True).steps}
    models = ["classifier/linear_svm", "classifier/logistic_regression"]
    for step in ("net", "answers"):
        assert [uses for uses, _, _ in steps[step].models] == models
        assert [where for _, where, _ in steps[step].models] == [
            {"model": "linear_svm"},
            {"model": "logistic_regression"},
        ]
    assert all(facts for _, _, facts in steps["answers"].models)
    links = [link["uses"] for link in steps["attacked"].links]
    assert [name in link for name, link in zip(("linear_svm", "logistic"), links, strict=True)]


def test_each_restoration_has_the_columns_of_its_own(quarters: Path, tmp_path: Path) -> None:
    """The noise that one of three finds, and where it had it from; nothing in the others' cells."""
    plan, workspace = planned(quarters, tmp_path / "o", RESTORED)
    execute(plan, workspace)
    for step in ("answers", "noise"):
        table = read_table(workspace.outputs / f"artifacts/turns/{step}/table.parquet")
        own = table["way"] == "non_local_means"
        assert own.sum() == 24
        assert (table["better.sigma"][own] >= 0).all()
        assert set(table["better_sigma"][own]) == {"estimate"}
        assert np.isnan(table["better.sigma"][~own]).all()
        assert set(table["better_sigma"][~own]) == {None}


def test_classifiers_of_several_widths_are_refused_before_they_answer(
    quarters: Path, tmp_path: Path, registry_with: Any
) -> None:
    """With the step's line, both cells and both numbers."""
    registry = registry_with(Two, Three)
    plan, workspace = planned(quarters, tmp_path / "o", WIDTHS, registry=registry)
    with pytest.raises(DataError) as caught:
        open_stage(plan, plan.stage("answers"), workspace)
    for part in ("turns.yaml:", "2 in model=two", "3 in model=three", "of answers"):
        assert part in str(caught.value)
