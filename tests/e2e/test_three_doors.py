"""Three doors, one result: the direct loop, the Prefect flow and `dvc repro`."""

from __future__ import annotations

import pytest

from adversity_flows.runs.past_runs import past_runs

pytestmark = pytest.mark.slow


def test_the_direct_loop_leaves_every_artifact_and_a_clean_status(finished):
    """After a direct run all eight stages have outputs, and DVC calls them up to date."""
    files = finished.results()
    assert {name.split("/")[2] for name in files if name.startswith("artifacts/")} == {
        *("net", "blurred_predictions", "predictions", "held_predictions", "confidence"),
        *("attacked", "report"),
    }
    assert any(name.startswith("data/digits/") for name in files)
    assert "up to date" in finished.dvc("status").out
    assert finished.call("git", "status", "--porcelain").out == ""
    assert finished.ledger


def test_prefect_leaves_the_bytes_of_the_direct_loop(started, finished):
    """`adversity run` through a Prefect server of its own: same files and dvc.lock, all up to date.

    What Prefect says stays out of the terminal. That a run then has nothing left to do is in
    test_no_op.py, of the same bytes.
    """
    project = started.copy("served")
    answer = project.adversity("run", "pipelines/smoke.yaml")
    assert answer.out.splitlines()[-1].startswith("✓ PASS: the gate passed")
    assert "prefect" not in (answer.out + answer.err).lower()
    (past,) = past_runs(project.root, "smoke")
    assert past.manifest["door"] == "prefect"
    assert (project.root / ".adversity" / "prefect" / "prefect.db").is_file()
    assert project.differences(finished) == []
    assert project.ledger == finished.ledger
    assert "up to date" in project.dvc("status").out


def test_dvc_repro_leaves_the_bytes_of_the_direct_loop(started, finished):
    """`dvc repro` of every stage: same files, same dvc.lock, and nothing left for a run."""
    project = started.copy("repro")
    project.dvc("repro")
    assert project.differences(finished) == []
    assert project.ledger == finished.ledger
    assert "up to date" in project.dvc("status").out
    assert project.run().ran == {}
