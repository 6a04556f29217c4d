"""How the work is cut and by how many threads it is done changes no byte."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

COMPUTED = (
    "blurred_predictions",
    "predictions",
    "held_predictions",
    "confidence",
    "attacked",
)


@pytest.mark.parametrize(
    ("batch_size", "shard_size", "workers"), [(1, 5, 4), (7, 64, 1), (64, 17, 4)]
)
def test_batches_shards_and_workers_change_no_byte(
    batch_size, shard_size, workers, copied, finished
):
    """Edited in the file they make no step stale; computed again, everything is equal."""
    cut = f"batch_size: {batch_size}, shard_size: {shard_size}, workers: {workers}, images: 0"
    copied.edit("seed: 0", f"seed: 0\nrun: {{{cut}}}")
    assert "up to date" in copied.dvc("status").out
    answer = copied.run(*(option for step in COMPUTED for option in ("--force", step)))
    assert answer.ran == dict.fromkeys(COMPUTED, "forced")
    assert copied.differences(finished) == []
