"""A step that is probed: the same bytes however its samples are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from adversity import Classifier
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.stages.stage import StageRun


class Bright(Classifier):
    """Dark or bright, by the mean."""

    name: ClassVar[str] = "bright"
    differentiable: ClassVar[bool] = True

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("dark", "bright")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        margin = 40 * (images.flatten(1).double().mean(1) - 0.5).float()
        return torch.stack([-margin, margin], 1)


PIPELINE = """\
name: probed
data:
  test: {{uses: dataset/folder, with: {{path: data/test}}}}
steps:
  noisy: {{uses: degradation/gaussian_noise, from: test, with: {{severity: 1}}}}
  seen: {{uses: classifier/bright, from: noisy}}
  pgd:
    uses: attack/pgd
    from: test
    against: seen
    {probe}
    with: {{eps: 2/255, steps: 2}}
run: {{shard_size: {shard}, batch_size: {batch}}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve bright and twelve dark images, some of them on the wrong side of the border."""
    root, rng = tmp_path_factory.mktemp("probed"), np.random.default_rng(0)
    for label, name in enumerate(("dark", "bright")):
        folder = root / "data" / "test" / name
        folder.mkdir(parents=True)
        for i in range(12):
            image = rng.normal(122 + 11 * label, 20, (6, 6)).clip(0, 255).astype(np.uint8)
            Image.fromarray(image).save(folder / f"{i:02d}.png")
    (root / "pipelines").mkdir()
    return root


def _ran(
    root: Path, out: Path, registry: Any, probe: str, shard: int = 256, batch: int = 64
) -> StageRun:
    file = root / "pipelines/probed.yaml"
    file.write_text(PIPELINE.format(probe=probe, shard=shard, batch=batch), encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root), registry)
    workspace = Workspace(root, out, out / "store")
    stage_run: Any = None
    for stage in plan.stages[:-1]:
        stage_run = open_stage(plan, stage, workspace)
        for shard_ in reversed(stage_run.pending()):
            stage_run.run_shard(shard_)
        stage_run.finish(workspace.outputs / stage.out)
    return stage_run  # type: ignore[no-any-return]


@pytest.mark.slow
def test_a_step_is_probed_the_same_in_any_shards(
    root: Path, tmp_path: Path, registry_with: Any
) -> None:
    """The same bytes for other shards, batches and orders, behind a random link too.

    The probe's number is in the stage's key, its cost is not in the attack's columns, and a
    sample past the first N, or wrong at the start, is not probed.
    """
    registry = registry_with(Bright)
    whole = _ran(root, tmp_path / "a", registry, "probe: 8")
    parts = _ran(root, tmp_path / "b", registry, "probe: 8", shard=5, batch=3)
    none = _ran(root, tmp_path / "c", registry, "")
    tables = [
        stage_run.toolbox.artifact("pgd") / "table.parquet" for stage_run in (whole, parts, none)
    ]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    rows, plain = read_table(tables[0]), read_table(tables[2])
    added = {"full_budget_correct", "more_steps_fooled", "more_restarts_fooled"}
    assert rows.keys() - plain.keys() == added
    for name in plain:
        np.testing.assert_array_equal(rows[name], plain[name], err_msg=name)
    first = {whole.toolbox.source("test").ids[i] for i in range(8)}
    asked = np.array([sample in first for sample in rows["id"]]) & rows["start_correct"]
    assert 0 < asked.sum() < 8
    for name in added:
        np.testing.assert_array_equal(~np.isnan(rows[name]), asked)
    keys = {stage_run.cell_key(stage_run.planned.cells[0]) for stage_run in (whole, none)}  # type: ignore[attr-defined]
    assert len(keys) == 2
