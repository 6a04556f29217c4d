"""A step that is named in a parameter: its fitted plugin is used, and its state is in the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

import adversity

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """\
name: seen
data:
  train: {uses: dataset/digits, with: {split: train, limit: 40}}
  test:  {uses: dataset/digits, with: {split: test, limit: 12}}
steps:
  unseen:
    uses: attack/feature_space
    from: test
    against: clean
    with: {network: eyes, eps: 0.01, steps: 2, early_stop: false}
  clean:  {uses: net, from: test}
  net:    {uses: classifier/small_cnn, fit_on: train, with: {epochs: 3, width: 4}}
  eyes:   {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
"""


def _distances(root: Path, *overrides: str) -> dict[str, Any]:
    adversity.run("pipelines/seen.yaml", into=root / "out", root=root, overrides=overrides)
    (file,) = (root / "out" / "artifacts" / "seen" / "unseen").rglob("*.parquet")
    table = parquet.read_table(file)
    return dict(zip(table["id"].to_pylist(), table["distance"].to_pylist(), strict=True))


@pytest.mark.slow
def test_the_state_of_a_named_step_is_in_the_key(tmp_path: Path) -> None:
    """In one store: other weights of the feature network give other images, the same the same."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "seen.yaml").write_text(PIPELINE, encoding="utf-8")
    first = _distances(tmp_path)
    assert 0 < max(first.values()) <= 0.01 * (1 + 1e-5)
    other = _distances(tmp_path, "steps.eyes.with.seed=1")
    assert other != first
    assert _distances(tmp_path) == first
