"""What `validate` says of a shipped pipeline's work is what its run counted."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow


def test_answers_and_gradients_of_the_shipped_pipeline(finished):
    """A classifier's step asks exactly so often as said, an attack's samples at most."""
    record = json.loads(finished.adversity("validate", "pipelines/smoke.yaml", "--json").out)
    steps = {step["step"]: step for step in record["pipelines"][0]["cost"]["steps"]}
    for name in ("blurred_predictions", "predictions", "held_predictions"):
        table = pq.read_table(finished.root / f"artifacts/smoke/{name}/table.parquet")
        assert steps[name]["queries"] == table.num_rows > 0
        assert steps[name]["gradients"] == 0
    rows = pq.read_table(finished.root / "artifacts/smoke/attacked/table.parquet").to_pydict()
    assert steps["attacked"]["queries"] == len(rows["id"]) == 128
    assert sum(rows["queries"]) == sum(rows["gradients"]) == sum(rows["start_correct"])
    assert 0 < sum(rows["queries"]) <= steps["attacked"]["queries"]
