"""What is pushed to a remote is all that another clone needs."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_after_a_pull_in_a_fresh_clone_nothing_is_computed(copied, finished, tmp_path):
    """Clone, pull and run: every step is unchanged, with the bytes of the first project."""
    copied.dvc("remote", "add", "--default", "here", str(tmp_path / "remote"))
    copied.dvc("push")
    copied.commit()
    copied.call("git", "clone", "--quiet", "--no-hardlinks", ".", str(tmp_path / "clone"))
    clone = type(copied)(tmp_path / "clone")
    clone.dvc("pull")
    answer = clone.adversity("run", "pipelines/smoke.yaml")
    assert answer.ran == {}
    assert len(answer.unchanged) == 8
    assert "the gate passed" in answer.out
    assert clone.differences(finished) == []
    assert "up to date" in clone.dvc("status").out
    assert clone.call("git", "status", "--porcelain").out == ""
