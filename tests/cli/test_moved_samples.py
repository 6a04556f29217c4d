"""A sample that moved to the folder of another class is paired with itself, run to run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EDITS = (
    (
        "run: {shard_size: 4}",
        "gates:\n  - predictions.accuracy not_worse_than last\nrun: {shard_size: 4}",
    ),
)


def change(root: Path, shots: Any) -> None:
    """Of eight images give one another class, rename one, and replace one by another."""
    test = root / "data" / "test"
    (test / "dark" / "0.png").rename(test / "light" / "was dark.png")
    (test / "light" / "1.png").rename(test / "light" / "one.png")
    shots.draw("data/spare", 1)
    (root / "data/spare/light/0.png").rename(test / "light" / "new.png")
    (test / "light" / "2.png").unlink()


def test_runs_are_paired_through_a_relabelling(finished: Any, call: Callable[..., Any]) -> None:
    """By a gate and by `diff`, which says of the label that it is another."""
    change(finished.root, finished)
    answer = call("run", "pipelines/shots.yaml", "--direct", "--json")
    (gate,) = json.loads(answer.out)["gates"]
    assert gate["measure"]["n"] == 7
    found = json.loads(call("diff", "pipelines/shots.yaml", "--json").out)
    (data,) = found["data"]
    assert (data["id"], data["shared"]) == ("test", 7)
    assert (data["only_before"], data["only_after"]) == (["light/2.png"], ["light/new.png"])
    assert data["relabelled"] == [{"id": "light/was dark.png", "before": "dark", "after": "light"}]
    (answers,) = (one for one in found["answers"] if one["step"] == "predictions")
    assert (answers["n"], answers["flips"], answers["otherwise"]) == (7, [], 0)


@pytest.mark.slow  # several runs, with DVC and git between them
@pytest.mark.parametrize("pinned", [False, True], ids=["on the disk", "at a revision"])
def test_a_commit_is_paired_by_the_content_that_it_has(
    finished: Any, call: Callable[..., Any], git: Callable[..., None], pinned: bool
) -> None:
    """Of data that DVC tracks, where they lie or as a revision has them."""

    def commit(tag: str) -> None:
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", tag)
        git("tag", tag)

    assert call("data", "add", "data/test", "--no-look").code == 0
    commit("data-1")
    if pinned:
        call("data", "pin", "pipelines/shots.yaml", "test", "data-1")
    call("run", "pipelines/shots.yaml", "--direct")
    commit("run-1")
    change(finished.root, finished)
    assert call("data", "add", "data/test", "--no-look").code == 0
    commit("data-2")
    if pinned:
        call("data", "pin", "pipelines/shots.yaml", "test", "data-2")
    finished.edit("not_worse_than last", "not_worse_than run-1")
    answer = call("run", "pipelines/shots.yaml", "--direct", "--json")
    (gate,) = json.loads(answer.out)["gates"]
    assert gate["measure"]["n"] == 7, gate
    found = json.loads(call("diff", "pipelines/shots.yaml", "--json").out)
    assert found["data"][0]["shared"] == 7
