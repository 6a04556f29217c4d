"""A step's table is written and measured a part at a time, with the rows of the whole cell."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity.data.stored import StoredRows
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages import table_stage
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: sizes
data:
  train:
    uses: dataset/folder
    with: {path: train, labels: shuffled.csv}
    prepare: {resize_short: 12, centre_crop: 12}
  held: {uses: dataset/folder, with: {path: held, labels: shuffled.csv}}
  test: {uses: dataset/folder, with: {path: test, labels: shuffled.csv}}
matrix: {severity: [1, 4]}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  predictions: {uses: net, from: noisy}
  clean: {uses: net, from: held}
  calibrated: {uses: uncertainty/temperature_scaling, from: predictions, fit_on: clean}
  doubt: {uses: uncertainty/entropy, from: calibrated}
  attacked: {uses: attack/fgsm, from: noisy, against: calibrated, with: {eps: 8/255}}
run: {batch_size: 4, shard_size: 3}
"""
TABLES = ("predictions", "clean", "calibrated", "doubt", "attacked")
SIZES = ((12, 12), (12, 15), (16, 12))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folders of 22 images of three sizes and seven classes, named in no order."""
    root, rng = tmp_path_factory.mktemp("sizes"), np.random.default_rng(0)
    (root / "pipelines").mkdir()
    (root / "pipelines/sizes.yaml").write_text(PIPELINE)
    for folder in (root / name for name in ("train", "held", "test")):
        folder.mkdir()
        with (folder / "shuffled.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "label"])
            for i in rng.permutation(22):
                pixels = rng.integers(0, 256, (*SIZES[i % 3], 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{i:02d}.png")
                writer.writerow([f"{i:02d}.png", f"class_{i % 7}"])
    return root


def execute(project: Path, out: Path, *overrides: str) -> Path:
    """Run the pipeline with parts of five rows; return the folder of its artifacts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_stage, "PART_ROWS", 5)
        file = project / "pipelines/sizes.yaml"
        adversity.run(file, into=out, root=project, overrides=overrides, workers=len(overrides) + 1)
    return out / "artifacts/sizes"


@pytest.fixture(scope="module")
def watched(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """Where it was run once, and of each wide column the most rows that were read at once."""
    out = tmp_path_factory.mktemp("finished")
    read = StoredRows.__getitem__
    most: dict[str, int] = {}

    def watch(self: StoredRows, name: str) -> Any:
        values = read(self, name)
        if values.ndim > 1:
            most[name] = max(most.get(name, 0), len(values))
        return values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoredRows, "__getitem__", watch)
        execute(project, out)
    return out, most


@pytest.fixture(scope="module")
def finished(watched: tuple[Path, dict[str, int]]) -> Path:
    """The folder in which it was run once."""
    return watched[0]


def opened(project: Path, out: Path, step: str) -> Any:
    """Open a stage of a finished run."""
    loaded = load_pipeline(project / "pipelines/sizes.yaml", root=project)
    plan = make_plan(loaded, discover())
    return open_stage(plan, plan.stage(step), Workspace(project, out, out / "store"))


def whole(stage_run: Any, cell: Any) -> dict[str, Any]:
    """Join all shards of a cell in memory and sort their rows by id: what a table must hold."""
    mine = [shard for shard in stage_run.shards if shard.cell == cell]
    tables = [
        stage_run.store.read(stage_run.cell_key(cell), shard.name, read_table) for shard in mine
    ]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    order = np.argsort(joined["id"].astype(str), kind="stable")
    return {name: values[order] for name, values in joined.items()}


def bits(values: Any) -> object:
    """Return what must be equal of a column: type, shape and every bit."""
    body = values.tolist() if values.dtype == object else np.ascontiguousarray(values).tobytes()
    return values.dtype, values.shape, body


@pytest.mark.parametrize("step", TABLES)
def test_a_table_holds_the_joined_and_sorted_rows(project: Path, finished: Path, step: str) -> None:
    """Column for column and bit for bit, cell after cell, across shards, sizes and parts."""
    stage_run = opened(project, finished, step)
    table = read_table(finished / "artifacts/sizes" / step / "table.parquet")
    cells = [whole(stage_run, cell) for cell in stage_run.planned.cells]
    assert len(stage_run.shards) >= 8 * len(cells)
    keys = [[cell.key] * 22 for cell in stage_run.planned.cells]
    assert table["cell"].tolist() == [key for some in keys for key in some]
    names = ["cell", *stage_run.planned.cells[0].as_dict(), *cells[0]]
    assert list(table) == names
    for name in cells[0]:
        expected = np.concatenate([cell[name] for cell in cells])
        assert bits(table[name]) == bits(expected), name


@pytest.mark.parametrize("step", TABLES)
def test_measures_are_those_of_the_whole_cell(
    project: Path, finished: Path, tmp_path: Path, step: str
) -> None:
    """Name for name and bit for bit what the metrics give for a cell that is all in memory."""
    stage_run = opened(project, finished, step)
    result = stage_run.fill(tmp_path)
    for cell in stage_run.planned.cells:
        expected = stage_run.measured(whole(stage_run, cell), stage_run.class_names(cell), cell)
        assert {k: v.as_json() for k, v in result.measures[cell.key].items()} == {
            k: v.as_json() for k, v in expected.items()
        }
        assert expected


def test_bytes_do_not_depend_on_shards_or_workers(
    project: Path, finished: Path, tmp_path: Path
) -> None:
    """Row groups are cut by rows, not by shards: other shards and two workers, the same file."""
    again = execute(project, tmp_path, "run.shard_size=50")
    for step in TABLES:
        path = f"{step}/table.parquet"
        assert (again / path).read_bytes() == (finished / "artifacts/sizes" / path).read_bytes()


def test_a_resumed_run_writes_the_same_file(project: Path, finished: Path, tmp_path: Path) -> None:
    """Killed while the table is written, there is none; afterwards it is the same."""
    shutil.copytree(finished, tmp_path / "out")
    stage_run = opened(project, tmp_path / "out", "predictions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_stage, "PART_ROWS", 5)
        read, seen = type(stage_run).shard_rows, []

        def killed(self: Any, shard: Any) -> Any:
            seen.append(shard)
            if len(seen) == 12:
                raise KeyboardInterrupt
            return read(self, shard)

        patch.setattr(type(stage_run), "shard_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            stage_run.fill(tmp_path / "new")
        assert list((tmp_path / "new").iterdir()) == []
        patch.setattr(type(stage_run), "shard_rows", read)
        opened(project, tmp_path / "out", "predictions").fill(tmp_path / "new")
    old = finished / "artifacts/sizes/predictions/table.parquet"
    assert (tmp_path / "new/table.parquet").read_bytes() == old.read_bytes()


def test_no_wide_column_of_a_cell_is_read_whole(watched: tuple[Path, dict[str, int]]) -> None:
    """Measures, fits, scores, the ledger and the report take answers a part at a time."""
    out, most = watched
    assert most == {"logits": 5, "probs": 5}
    assert (out / "report.html").is_file()
