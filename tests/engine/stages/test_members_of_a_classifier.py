"""What the members of one classifier say, kept for scores that go by them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from adversity import Classifier
from adversity.data.arrays import read_arrays
from adversity.data.stored import StoredTable
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import InputError, PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
name: members
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
"""
STEPS = """steps:
  bagged: {uses: classifier/bagging, fit_on: train, with: {member: {uses: decision_tree}, members: 4}}
  answers: {uses: bagged, from: test}
  plain: {uses: bagged, from: test}
  doubt: {uses: uncertainty/mutual_information, from: answers}
  share: {uses: uncertainty/variation_ratio, from: answers}
  spread: {uses: metric/diversity, from: answers}
"""
FEWER = """steps:
  pair: {uses: classifier/pair, from: test, classes: [class_1, class_3]}
  doubt: {uses: uncertainty/mutual_information, from: pair}
  whole: {uses: classifier/pair, from: test}
  of_all: {uses: uncertainty/mutual_information, from: whole}
"""
FOLDED = """steps:
  bagged: {uses: classifier/bagging, fit_on: train, folds: 3, with: {member: {uses: decision_tree}, members: 4}}
  answers: {uses: bagged, from: train}
  doubt: {uses: uncertainty/mutual_information, from: answers}
"""
VARIED = """matrix: {many: [2, 3]}
steps:
  bagged: {uses: classifier/bagging, fit_on: train, with: {member: {uses: decision_tree}, members: $many}}
  answers: {uses: bagged, from: test}
  doubt: {uses: uncertainty/mutual_information, from: answers}
"""


class Pair(Classifier):
    """Two members that look at other corners."""

    name: ClassVar[str] = "pair"
    silent: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(f"class_{k}" for k in range(4))

    def member_probs(self, images: torch.Tensor) -> torch.Tensor | None:
        if self.silent:
            return None
        corners = images.mean(1)[:, :2, :2].flatten(1)
        return torch.stack([(4 * corners).softmax(1), (8 * corners.flip(1)).softmax(1)])

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        said = Pair().member_probs(images)
        assert said is not None
        return said.mean(0).log()


@pytest.fixture
def run(quarters: Path, tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs a pipeline; returns its folder of artifacts, and results."""
    shutil.copytree(quarters / "data", tmp_path / "data")
    (tmp_path / "pipelines").mkdir()

    def ran(
        steps: str, out: str = "out", more: str = "", unknown: str = ""
    ) -> tuple[Path, dict[str, Any]]:
        file = tmp_path / "pipelines/members.yaml"
        kept = "path: data/test}, unknown: keep}" if unknown else "path: data/test}}"
        head = HEAD.replace("path: data/test}}", kept)
        file.write_text(head + steps + more, encoding="utf-8")
        plan = make_plan(load_pipeline(file, root=tmp_path), registry_with(Pair))
        workspace = Workspace(tmp_path, tmp_path / out, tmp_path / f"store-{out}")
        names = [stage.step for stage in plan.stages if stage.step != "report"]
        results = {step: compute_stage(plan, step, workspace, 1) for step in names}
        return workspace.outputs / "artifacts/members", results

    return ran


def table(folder: Path, step: str) -> dict[str, Any]:
    return read_table(folder / step / "table.parquet")


def test_scores_go_by_what_bagged_members_say(run: Any) -> None:
    """Their mean is the answer, and scores are those written by hand; other steps keep none."""
    folder, results = run(STEPS)
    rows = table(folder, "answers")
    said = rows["members"].astype(np.float64)  # [N, M, K]
    assert said.shape[1:] == (4, 4)
    np.testing.assert_allclose(rows["probs"], said.mean(1), atol=1e-6)
    assert (said != said[:, :1]).any()
    total, each = entropy(said.mean(1), axis=1), entropy(said, axis=2).mean(1)
    found = table(folder, "doubt")["mutual_information"]
    np.testing.assert_allclose(found, total - each, atol=1e-6)
    assert found.max() > 0.05
    votes = said.argmax(2)
    mode = np.array([np.bincount(row).max() for row in votes])
    np.testing.assert_allclose(table(folder, "share")["variation_ratio"], 1 - mode / 4)
    assert "members" not in table(folder, "plain")
    unlike = np.mean([votes[:, i] != votes[:, j] for i in range(4) for j in range(i)])
    value = results["spread"].measures[""]["member_disagreement"].value
    assert value == pytest.approx(unlike, abs=1e-12)


def test_any_cut_gives_the_same_bytes(run: Any) -> None:
    """Neither shards nor batches are in what members say."""
    first, _ = run(STEPS)
    for number, more in enumerate(("run: {shard_size: 7}", "run: {batch_size: 3}")):
        other, _ = run(STEPS, f"other{number}", more)
        for step in ("answers", "doubt"):
            place = f"{step}/table.parquet"
            assert (first / place).read_bytes() == (other / place).read_bytes()


def test_some_of_the_classes_are_some_of_the_members_too(run: Any) -> None:
    """`classes:` divides what each member says by its sum over these."""
    folder, _ = run(FEWER, unknown="keep")
    left, whole = (table(folder, step)["members"].astype(np.float64) for step in ("pair", "whole"))
    expected = whole[..., [1, 3]]
    assert left.shape[1:] == (2, 2)
    np.testing.assert_allclose(left, expected / expected.sum(2, keepdims=True), atol=1e-6)


def test_out_of_fold_each_image_is_told_by_members_that_did_not_see_it(run: Any) -> None:
    """Their mean is the answer out of fold; members that saw all images say something else."""
    folder, _ = run(FOLDED)
    rows = table(folder, "answers")
    np.testing.assert_allclose(rows["probs"], rows["members"].mean(1), atol=1e-6)
    seen, _ = run(FOLDED.replace(" folds: 3,", "").replace("from: train}", "from: test}"), "seen")
    arrays, _ = read_arrays(seen / "bagged/states/all.safetensors")
    assert arrays["draws"].shape[0] == 4
    assert set(rows["fold_left_out"].tolist()) == {1, 2, 3}


def test_cells_may_have_more_or_fewer_members(run: Any) -> None:
    """A variable of the matrix says how many; each cell is scored by its own."""
    folder, _ = run(VARIED)
    rows = StoredTable(folder / "answers/table.parquet")
    for many in (2, 3):
        said = rows.cell(f"many={many}")["members"].astype(np.float64)
        assert said.shape[1:] == (many, 4)
        scores = table(folder, "doubt")
        found = scores["mutual_information"][scores["cell"] == f"many={many}"]
        expected = entropy(said.mean(1), axis=1) - entropy(said, axis=2).mean(1)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_has_no_members_is_refused(run: Any) -> None:
    """By its class before anything runs; one that has none as it is set up, when it runs."""
    with pytest.raises(PipelineError, match="or of a classifier that has `member_probs`"):
        run(
            STEPS.replace("classifier/bagging", "classifier/decision_tree").replace(
                "{member: {uses: decision_tree}, members: 4}", "{max_depth: 3}"
            )
        )
    silent = FEWER.replace(", classes: [class_1, class_3]", ", with: {silent: true}")
    with pytest.raises(InputError, match=r"has no members, and a step goes by those of pair"):
        run(silent)
