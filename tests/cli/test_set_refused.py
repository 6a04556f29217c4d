"""`--set` writes nothing into a project when the run that it is for is refused."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

FILE = "pipelines/shots.yaml"
NOBODY = "127.0.0.1:1"
"""An address that nobody listens at: the port takes a privilege, and its service is long gone."""


@pytest.fixture
def left(shots):
    """Return a function that tells all files of the project, with their bytes."""

    def files():
        return {
            path.relative_to(shots.root): path.read_bytes()
            for path in shots.root.rglob("*")
            if path.is_file() and not path.is_relative_to(shots.root / ".dvc")
        }

    return files


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["run.device=cuda:63"], "there is no device 'cuda:63' on this machine"),
        (["data.test.with.path=data/nowhere"], "data/nowhere"),
        (["gates=[predictions.accuracy not_worse_than v9]"], "that git knows here, got 'v9'"),
        (["run.runner=ray", f"run.address=ray://{NOBODY}"], "pip install 'adversity[ray]'"),
        (["run.runner=dask", f"run.address=tcp://{NOBODY}"], "expected a Dask scheduler"),
        (["seed=9", "steps.net.with.epochs=0"], "steps.net.with.epochs=0: "),
        (["seed=9", "--force", "nobody"], "--force: expected a step"),
        (["seed=9", "--notify"], "--notify: "),
    ],
    ids=["device", "data", "commit", "no Ray", "no scheduler", "second value", "force", "notify"],
)
def test_what_a_run_is_refused_for_is_not_written(
    options, said, shots, left, call, refused, monkeypatch
):
    """One message, exit code 2; the pipeline file and everything around it are as they were."""
    pytest.importorskip("distributed")
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("adversity_flows.runners.dask_cluster.SECONDS", 1)
    words = [word for text in options for word in (("--set", text) if "=" in text else (text,))]
    before = left()
    refused(call("run", FILE, "--direct", *words), said)
    assert left() == before


def test_a_project_without_dvc_keeps_its_file(shots, left, call, refused):
    """DVC records what runs; where it cannot, the file stays as it is."""
    shutil.rmtree(shots.root / ".git")
    before = left()
    refused(call("run", FILE, "--direct", "--set", "seed=9"), "DVC")
    assert left() == before


def test_a_file_that_another_run_computes_is_not_changed_under_it(shots, left, call, refused):
    """Exit code 3 and the process; what is in the file already is no change."""
    place, pid = shots.root / ".dvc" / "tmp", os.getppid()
    place.mkdir(exist_ok=True)
    at_work = {"pid": pid, "cmd": "adversity run"}
    makes = str(shots.root / "artifacts" / "shots" / "net")
    (place / "rwlock").write_text(json.dumps({"write": {makes: at_work}}), "utf-8")
    before = left()
    answer = call("run", FILE, "--direct", "--set", "seed=9")
    refused(answer, f"but process {pid} (adversity run) makes artifacts/shots/net", code=3)
    assert left() == before
    (place / "rwlock").unlink()
    assert call("run", FILE, "--direct", "--set", "seed=9").code == 0
    assert "seed: 9" in shots.file.read_text("utf-8")
