"""Room is made, and nothing goes that a result, a commit or the next run needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.runs.past_runs import RunFolder
from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.git import Git
from adversity_flows.scheduled.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YEAR = 365 * 86400


def age(path: Path) -> None:
    """Let everything in a folder have been written a year ago."""
    then = time.time() - YEAR
    for one in (path, *path.rglob("*")):
        os.utime(one, (then, then), follow_symlinks=False)


def old_run(root: Path, state: str = "failed") -> Path:
    """Leave a run of a year ago, of 1000 bytes and its manifest."""
    folder = RunFolder(root, "shots")
    folder.make()
    (folder.path / "log.txt").write_text("x" * 1000)
    folder.write_manifest({"pipeline": "shots", "state": state})
    past = folder.path.with_name("20200101-000000-shots")
    folder.path.rename(past)
    age(past)
    return past


def objects(root: Path) -> set[str]:
    """Return the objects of DVC's cache."""
    files = (root / ".dvc" / "cache" / "files").rglob("*")
    return {str(path.relative_to(root)) for path in files if path.is_file()}


def test_old_runs_go_and_the_accepted_one_stays(finished: Any, call: Callable[..., Any]) -> None:
    """However old it is; a young one stays, and so does what nobody knows."""
    (accepted,) = (finished.root / "runs").glob("2*-shots")
    age(accepted)
    gone = old_run(finished.root)
    unknown = finished.root / "runs" / "20240101-000000-shots"
    unknown.mkdir()
    age(unknown)
    answer = call("gc", "--keep", "0", "--dry-run")
    assert "runs: 1, " in answer.out
    assert gone.name in answer.out
    assert gone.is_dir()
    assert call("gc", "--keep", "2").out.startswith("runs: 0, ")
    answer = call("gc", "--keep", "0")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[-1].endswith("are free")
    assert not gone.exists()
    assert accepted.is_dir()
    assert unknown.is_dir()
    assert "nothing to do" in call("status").out


def test_data_of_a_revision_go_when_nobody_pins_it(finished: Any, call: Callable[..., Any]) -> None:
    """What a stage has stays."""
    versions = finished.root / "data" / ".versions"
    for name in ("test@1111111111", "test@2222222222"):
        (versions / name).mkdir(parents=True)
        (versions / name / "0.png").write_bytes(b"0" * 1000)
    stages = finished.root / "dvc.yaml"
    text = stages.read_text(encoding="utf-8")
    stages.write_text(f"{text}# data/.versions/test@2222222222\n", encoding="utf-8")
    assert "data of revisions that nobody pins: 1, " in call("gc", "--dry-run").out
    assert len(list(versions.iterdir())) == 2
    call("gc")
    assert [path.name for path in versions.iterdir()] == ["test@2222222222"]


def test_kept_work_goes_when_it_is_old(finished: Any, call: Callable[..., Any]) -> None:
    """And the run after it finds every step unchanged."""
    store = finished.root / ".adversity" / "store"
    assert any(store.rglob("*.parquet"))
    assert "kept pieces of work: 0, " in call("gc").out
    age(store)
    call("gc")
    assert not any(store.rglob("*.parquet"))
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert "nothing had changed" in answer.out


def test_objects_that_nobody_names_go(
    finished: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """Those of a commit, of what is here, and of a kept run stay; remotes are not asked."""
    root = finished.root
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    committed = objects(root)
    finished.edit("epochs: 1", "epochs: 2")
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    of_run = objects(root) - committed
    assert of_run
    (root / "spare.txt").write_text("of nobody")
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "spare.txt"], check=True)
    (root / "spare.txt.dvc").unlink()
    (spare,) = objects(root) - committed - of_run
    git("checkout", "-q", ".")  # the run's dvc.lock is gone, its folder stays
    assert "objects of DVC's cache: 1, " in call("gc", "--dry-run").out
    assert spare in objects(root)
    call("gc")
    assert objects(root) == committed | of_run
    for folder in (root / "runs").glob("2*-shots"):
        age(folder)
    (root / "runs" / "accepted" / "shots.json").unlink()
    call("gc", "--keep", "0")
    assert objects(root) == committed


def test_outputs_of_old_scheduled_runs_go_when_asked(
    finished: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """Each is a commit, so they stay without a word; the commits stay in any case."""
    root = finished.root
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    committed = objects(root)
    first = (root / "dvc.lock").read_bytes()
    finished.edit("epochs: 1", "epochs: 2")
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    second = (root / "dvc.lock").read_bytes()
    of_night = objects(root) - committed
    found = Git(root)
    branch = ResultsBranch(found, "shots")
    for name, lock in (("r0", second), ("r1", first)):
        files = {"dvc.lock": lock, "results/shots/run.json": json.dumps({"run": name}).encode()}
        branch.commit(found.says("rev-parse", "HEAD") or "", files, name, root / "index")
    git("checkout", "-q", ".")
    (root / "runs" / "accepted" / "shots.json").unlink()
    none = ("gc", "--keep", "0", "--days", "0")
    assert "scheduled" not in call(*none).out
    assert objects(root) == committed | of_night
    answer = call(*none, "--keep-scheduled", "1", "--dry-run")
    assert "outputs of old scheduled runs: 1, " in answer.out
    assert "  r0: scheduled run of shots, " in answer.out
    assert objects(root) == committed | of_night
    assert "outputs of old scheduled runs: 0, " in call(*none, "--keep-scheduled", "2").out
    assert call(*none, "--keep-scheduled", "1").code == 0
    assert objects(root) == committed
    assert branch.record("run.json") == {"run": "r1"}


def test_a_cache_of_several_projects_is_left_alone(
    finished: Any, call: Callable[..., Any], tmp_path: Path
) -> None:
    """What the others need is not known here; the rest is done."""
    shutil.move(finished.root / ".dvc" / "cache", tmp_path / "shared")
    (finished.root / ".dvc" / "config.local").write_text(
        f"[cache]\n    dir = {tmp_path / 'shared'}\n"
    )
    gone = old_run(finished.root)
    answer = call("gc", "--keep", "0")
    assert "DVC's cache is left alone: expected DVC's cache in the project" in answer.out
    assert not gone.exists()
    assert any((tmp_path / "shared").rglob("*.dir"))


def test_an_incomplete_cache_is_left_alone(
    finished: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """A commit names a folder whose list is not here: what is in it is not known."""
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    for listed in (finished.root / ".dvc" / "cache").rglob("*.dir"):
        listed.unlink()
    before = objects(finished.root)
    answer = call("gc")
    assert (answer.code, "DVC's cache is left alone: " in answer.out) == (0, True)
    assert objects(finished.root) == before


def test_nothing_goes_while_somebody_works(
    finished: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """It may need what looks spare."""
    gone = old_run(finished.root)
    entry = {"pid": os.getpid(), "cmd": "adversity run pipelines/shots.yaml"}
    lock = finished.root / ".dvc" / "tmp" / "rwlock"
    lock.write_text(json.dumps({"write": {str(finished.root / "artifacts"): entry}, "read": {}}))
    refused(call("gc", "--keep", "0"), f"process {os.getpid()}", "wait for it", code=3)
    assert gone.is_dir()


def test_nothing_goes_while_a_scheduled_look_works(
    shots: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """What it has in DVC's cache stands in no commit yet; a dead one holds nobody up."""
    past = old_run(shots.root)
    folder = shots.root / ".adversity" / "schedule" / "shots"
    with Lease.take(folder, "look", "2026-11-22T02:00:00Z"):
        refused(call("gc", "--keep", "0"), "a scheduled look is (process", code=3)
        assert past.is_dir()
    assert call("gc", "--keep", "0").code == 0
    assert not past.is_dir()


@pytest.mark.parametrize("given", [("--keep", "-1"), ("--days", "x")])
def test_wrong_numbers_are_refused(shots: Any, call: Callable[..., Any], given: tuple[str]) -> None:
    """By the option's name."""
    answer = call("gc", *given)
    assert answer.code == 2
    assert given[0] in answer.err
