"""Disks that are full or read-only, as a user meets them: said once, and the next run goes on."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from dvc.stage import PipelineStage

from adversity.engine.stages import stage as engine_stage
from adversity.engine.stages.predict_stage import PredictRun
from adversity_flows.dvc.lockfile import LockFile
from small_disk import fill, mounted

pytestmark = pytest.mark.slow

FILE = "pipelines/shots.yaml"
RUN = ("run", FILE, "--direct", "--json")
FULL = ("No space left on device", "make room")


def full(*_, **__):
    """Fail as the operating system does when a disk is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def trained(shots, call):
    """Return the project with its network trained and recorded."""
    assert call("sync").code == 0
    assert call("step", FILE, "net").code == 0
    return shots


@pytest.mark.parametrize(
    ("owner", "name", "kept"),
    [
        (PredictRun, "compute", False),
        (engine_stage, "write_json", True),
        (Path, "rename", True),
        (PipelineStage, "save", True),
        (PipelineStage, "commit", True),
        (LockFile, "write", True),
    ],
    ids=["shard", "finish", "rename", "hashing", "DVC's cache", "dvc.lock"],
)
def test_full_wherever_something_is_written(owner, name, kept, trained, call, refused, monkeypatch):
    """One message with the step; no artifact without a record; finished shards are kept."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full)
        refused(call(*RUN), "step predictions", *FULL, code=3)
    trained.holds_nothing_of("predictions")
    assert trained.recorded() == {"shots-net"}
    answer = call(*RUN)
    assert answer.code == 0, answer.err
    assert "net          unchanged" in answer.err
    again = ["(2 of 2 shards kept)", "predictions  restored from an earlier run"]
    assert any(words in answer.err for words in again) == kept


def test_an_artifact_that_cannot_be_recorded_gives_way_to_the_recorded_one(
    trained, call, refused, monkeypatch
):
    """If recording fails, what was recorded before stands there again, as DVC has it."""
    assert call(*RUN).code == 0
    table = trained.root / "artifacts" / "shots" / "predictions" / "table.parquet"
    metrics = trained.root / "metrics" / "shots" / "predictions.json"
    before = table.read_bytes(), metrics.read_bytes()
    lock = (trained.root / "dvc.lock").read_bytes()
    shutil.rmtree(trained.root / "data" / "test" / "light")
    with monkeypatch.context() as patch:
        patch.setattr(LockFile, "write", full)
        refused(call(*RUN), "step predictions", *FULL, code=3)
    assert (table.read_bytes(), metrics.read_bytes()) == before
    assert (trained.root / "dvc.lock").read_bytes() == lock
    assert not [p for p in trained.root.rglob("*") if ".old-" in p.name or ".tmp-" in p.name]
    assert call(*RUN).code == 0
    assert table.read_bytes() != before[0]


# DVC's lock leaves its file open when it cannot write its process number into it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("room", [8, 64, 160, 256, 400])
def test_a_disk_that_is_really_full(room, shots, call, refused, tmp_path, monkeypatch):
    """With a few KiB left the run stops with one message, and goes on when there is room."""
    small = tmp_path / "small"
    small.mkdir()
    with mounted(str(small), "-t", "tmpfs", "-o", "size=8m", "tmpfs"):
        shots.root = shutil.copytree(shots.root, small / "trial", symlinks=True)
        monkeypatch.chdir(shots.root)
        fill(small / "ballast", leave=room * 1024)
        message = refused(call(*RUN), code=3)
        assert "No space left on device" in message or "the disk is full" in message
        assert "room" in message or "space" in message
        for step in {"net", "predictions", "report"} - {s[6:] for s in shots.recorded()}:
            shots.holds_nothing_of(step)
        (small / "ballast").unlink()
        answer = call(*RUN)
        assert answer.code == 0, answer.err


def test_a_read_only_project(shots, call, refused, monkeypatch):
    """Every command that writes says so once; `validate` works, and later so does the run."""
    root = str(shots.root)
    with mounted(root, "--bind", "-o", "ro", root):
        monkeypatch.chdir("/")
        monkeypatch.chdir(root)
        assert call("validate").code == 0
        step = ("step", FILE, "net")
        change = (*RUN, "--set", "steps.net.with.epochs=3")
        for command in (RUN, ("sync",), step, change):
            refused(call(*command), "ead-only", code=3)  # in our words, or in DVC's
    monkeypatch.chdir(root)
    assert "epochs: 1" in shots.file.read_text()
    shots.holds_nothing_of("net")
    assert call(*RUN).code == 0
