"""Decisions that go by groups of samples, run: where groups come from, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from pydantic import PrivateAttr
from toy_labels import TOYS, run_all

from adversity import Decide, Fitted, Predictive, State
from adversity.data.tables import read_table
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: p
data:
  held: {uses: dataset/mixed, with: {seed: 1, says: groups}, unknown: keep, images: clean}
  test: {uses: dataset/mixed, with: {says: HAS, rows: judged}, images: clean}
steps:
  answers_held: {uses: classifier/bright, from: held}
  answers: {uses: classifier/bright, from: test}
  known: {uses: uncertainty/told, fit_on: answers_held, with: {by: BY}}
  decided: {uses: known, from: answers}
"""


class Told(Decide, Fitted):
    """Leaves the classes possible that their group had; keeps what it was told."""

    name: ClassVar[str] = "told"
    fits_on: ClassVar[str] = "logits"
    by: str | None = None
    _counts: Any = PrivateAttr(default=None)

    @property
    def goes_by(self) -> str | None:
        return self.by

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        counts: dict[str, int] = {}
        for block in data:
            for name in block.groups:
                counts[str(name)] = counts.get(str(name), 0) + 1
        return State({}, {"counts": counts})

    def load(self, state: State) -> None:
        self._counts = state.info["counts"]

    def decide(self, predictive: Predictive) -> Predictive:
        import torch

        assert predictive.groups is not None
        assert predictive.probs is not None
        known = torch.tensor([str(name) in self._counts for name in predictive.groups])
        return Predictive(sets=known[:, None].expand(-1, 2).clone())


def planned(root: Path, registry: Any, by: str, has: str = "groups") -> Any:
    """Return the plan."""
    file = root / "pipelines/p.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = PIPELINE.replace("BY", by).replace("HAS", has)
    file.write_text(text, encoding="utf-8")
    return make_plan(load_pipeline(file, root=root), registry)


@pytest.mark.parametrize(
    ("by", "counts"),
    [
        ("camera", {"left": 8, "right": 4}),
        ("group", {"scene 0": 4, "scene 1": 4, "None": 4}),
        ("hour", {"0.5": 1, "2.5": 1, "4.5": 1, "6.5": 1, "8.5": 1, "10.5": 1, "None": 6}),
    ],
)
def test_groups_come_from_the_data(
    tmp_path: Path, registry_with: Any, by: str, counts: dict[str, int]
) -> None:
    """Of the rows that are fitted on, the labelled ones, and of those that are decided for."""
    plan = planned(tmp_path, registry_with(*TOYS, Told), by)
    folder, results, _ = run_all(tmp_path, plan)
    _, info = _state(folder)
    assert info["counts"] == counts
    table = read_table(folder / "decided/table.parquet")
    assert table["set_size"].tolist() == [2] * 12
    alone = counts.get("None")
    said = [note for note in results["decided"].notes if note.startswith("decided:")]
    expected = f"decided: {alone} without {by}, of 12 rows; told says what becomes of them"
    assert said == ([expected] if alone else [])


def test_a_group_that_was_not_seen_is_said(tmp_path: Path, registry_with: Any) -> None:
    """Some hours are only among the rows that are decided for: those of other samples."""
    registry = registry_with(*TOYS, Told)
    plan = planned(tmp_path, registry, "camera", has="groups")
    text = (tmp_path / "pipelines/p.yaml").read_text(encoding="utf-8")
    text = text.replace("seed: 1, says: groups}", "seed: 1, says: unlabelled}")
    (tmp_path / "pipelines/p.yaml").write_text(text, encoding="utf-8")
    plan = make_plan(load_pipeline(tmp_path / "pipelines/p.yaml", root=tmp_path), registry)
    folder, results, _ = run_all(tmp_path, plan)
    table = read_table(folder / "decided/table.parquet")
    assert np.array_equal(table["set_size"] == 0, table["attribute_camera"] == "right")
    note = (
        "decided: 4 of a camera that it was not fitted on (right), of 12 rows; told says what becomes "
        "of them"
    )
    assert note in results["decided"].notes


def test_groups_that_the_data_lack_are_refused_first(tmp_path: Path, registry_with: Any) -> None:
    """Before anything is fitted, with what there is."""
    plan = planned(tmp_path, registry_with(*TOYS, Told), "camra")
    with pytest.raises(
        DataError, match=r"known goes by camra: .*held have no attribute camra.*camera"
    ):
        run_all(tmp_path, plan)
    plan = planned(tmp_path, registry_with(*TOYS, Told), "camera", has="nothing")
    with pytest.raises(DataError, match="decided goes by camera: the samples of test have no"):
        run_all(tmp_path, plan)


def _state(folder: Path) -> Any:
    from adversity.data.arrays import read_arrays

    [file] = (folder / "known").rglob("*.safetensors")
    return read_arrays(file)
