"""Groups and attributes of samples: columns of every table of such data, and of no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from toy_labels import TOYS

from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
  answers: {uses: classifier/bright, from: photos}
  doubt: {uses: uncertainty/entropy, from: answers}
  few: {uses: attack/fgsm, from: photos, against: answers, with: {eps: 0.03}}
  noise: {uses: metric/noise_level, from: photos}
"""
NAMES = ("group", "attribute_camera", "attribute_hour")


def run(root: Path, registry: Any, photos: str, *overrides: str) -> Any:
    """Run the steps; return the folder of the artifacts and the results."""
    file = root / "pipelines/p.yaml"
    file.parent.mkdir(parents=True)
    photos = f"photos: {{uses: dataset/mixed, with: {{{photos}}}, unknown: keep}}"
    file.write_text(f"name: p\ndata:\n  {photos}\nsteps:{STEPS}", encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root, overrides=overrides), registry)
    workspace = Workspace(root, root / "out", root / "store")
    wanted = [stage.step for stage in plan.stages if stage.step != "report"]
    return root / "out/artifacts/p", {
        step: compute_stage(plan, step, workspace, 1) for step in wanted
    }


def test_every_table_has_what_the_data_say(tmp_path: Path, registry_with: Any) -> None:
    """By id, whatever the order of the data set; what a sample lacks is None or NaN."""
    folder, results = run(tmp_path, registry_with(*TOYS), "says: groups")
    for step in ("answers", "doubt", "few", "noise"):
        rows = read_table(folder / step / "table.parquet")
        numbers = [23 - int(name[1:]) for name in rows["id"]]
        groups = [f"scene {number // 8}" if number < 16 else None for number in numbers]
        assert rows["group"].tolist() == groups
        assert rows["attribute_camera"].tolist() == ["left" if n % 3 else "right" for n in numbers]
        hours = [number / 2 if number % 2 else np.nan for number in numbers]
        np.testing.assert_array_equal(rows["attribute_hour"], hours)
        said = "photos: 16 of 24 samples share their group with others, in 2 groups; intervals and"
        assert any(note.startswith(said) for note in results[step].notes)


def test_data_that_say_nothing_have_no_such_column(tmp_path: Path, registry_with: Any) -> None:
    """And nothing is said of their intervals."""
    folder, results = run(tmp_path, registry_with(*TOYS), "says: nothing")
    for step in ("answers", "doubt", "few", "noise"):
        assert not set(NAMES) & set(read_table(folder / step / "table.parquet"))
        assert not any("group" in note for note in results[step].notes)


def test_shards_change_no_byte(tmp_path: Path, registry_with: Any) -> None:
    """Rows find their own group in shards of any size."""
    tables = [
        run(tmp_path / name, registry_with(*TOYS), "says: groups", *sizes)[0] / "answers"
        for name, *sizes in (("one",), ("other", "run.shard_size=5", "run.batch_size=2"))
    ]
    first, second = ((table / "table.parquet").read_bytes() for table in tables)
    assert first == second


def test_an_attribute_has_one_type(tmp_path: Path, registry_with: Any) -> None:
    """A text here and a number there is refused, with both samples."""
    words = r"'photos'.*one type of the attribute 'camera', got the text 'right'.*the number 7 of sample 's18'"
    with pytest.raises(DataError, match=words):
        run(tmp_path, registry_with(*TOYS), "says: mixed")
