"""One scheduled look: a commit in a worktree, whatever lies in the user's folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.runs.looks import past_looks
from adversity_flows.scheduled.lease import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "pipelines/shots.yaml"
RUN = ("schedule", "run", FILE)
pytestmark = [
    pytest.mark.usefixtures("undrawn_charts"),
    pytest.mark.filterwarnings("ignore:_NoneStep"),  # of a library of DVC's
]


@pytest.fixture
def committed(finished: Any, git: Callable[..., None]) -> Any:
    """The project after its run, its data tracked by DVC, and all of it committed."""
    for folder in ("data/train", "data/test"):
        subprocess.run([sys.executable, "-m", "dvc", "add", "-q", folder], check=True)
    git("add", ".")
    git("commit", "--quiet", "-m", "start")
    return finished


def says(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def files(root: Path) -> dict[str, int]:
    """Return the user's files; not what the machinery keeps for itself."""
    own = (".git", ".adversity", "runs", "tmp", "cache")
    return {
        str(path): path.stat().st_mtime_ns
        for path in root.rglob("*")
        if path.is_file() and not set(path.relative_to(root).parts) & set(own)
    }


@pytest.mark.slow
def test_a_commit_runs_and_the_users_files_stay(committed: Any, call: Callable[..., Any]) -> None:
    """What is edited and not committed is said and not used; the run comes home; nothing is left."""
    committed.edit("epochs: 1", "epochs: 2")
    committed.draw("data/test/more", 1)
    before, head = files(committed.root), says("rev-parse", "HEAD").strip()
    answer = call(*RUN)
    assert answer.code == 0, answer.err
    assert f"! {FILE} changed since the last commit" in answer.err
    assert "data verified: data/test, data/train" in answer.err
    assert "DONE: no gate was judged" in answer.out
    (look,) = past_looks(committed.root, "shots")
    assert (look.outcome, look.commit) == ("done", head)
    manifest = json.loads((committed.root / "runs" / look.run / "manifest.json").read_text())
    assert manifest["git"] == {"revision": head, "state": "clean"}
    assert {one["state"] for one in manifest["outcomes"]} == {"cached"}
    assert (committed.root / look.report).is_file()
    assert files(committed.root) == before
    assert says("worktree", "list").count("\n") == 1
    assert says("status", "--porcelain").split() == ["M", FILE]
    assert not list(state_folder(committed.root, "shots").glob("*tree*"))
    assert not (state_folder(committed.root, "shots") / "lease.json").exists()


def lease(root: Path, **changes: Any) -> None:
    """Leave the lease of a look on another machine."""
    folder = state_folder(root, "shots")
    folder.mkdir(parents=True)
    other = {"look": "other", "host": "elsewhere", "pid": 7, "born": 0.0, "beat": time.time()}
    record = {**other, "started": "2026-11-22T02:00:00Z", "commit": "c0ffee", **changes}
    (folder / "lease.json").write_text(json.dumps(record))


def test_while_one_look_is_at_work_a_second_is_left_out(
    shots: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """With exit code 0, and a line of its own; `log` and `status` say so."""
    git("add", ".")
    git("commit", "--quiet", "-m", "start")
    lease(shots.root)
    answer = call(*RUN)
    assert answer.code == 0
    said = "another look is at work: process 7 on elsewhere, since 2026-11-22T02:00:00Z"
    assert answer.out.startswith(f"left out: {said}")
    log = call("schedule", "log")
    assert f"left out  {' ' * 10}" in log.out
    assert "2026-11-22T02:00:00Z  at work: process 7 on elsewhere" in log.out
    (one,) = json.loads(call("schedule", "log", FILE, "--json").out)["pipelines"]
    assert [look["outcome"] for look in one["looks"]] == ["left out"]
    assert one["at_work"]["lives"]
    assert f"left out: {said}" in call("status").out
    (state,) = json.loads(call("status", "--json").out)["pipelines"]
    assert state["last_look"]["verdict"] == said


def test_a_killed_look_is_told_of_by_the_next(
    shots: Any, call: Callable[..., Any], git: Callable[..., None], refused: Callable[..., str]
) -> None:
    """Its line is written when it is found, before the next one's; nobody waits for it."""
    git("add", "pipelines")
    git("commit", "--quiet", "-m", "start")
    lease(shots.root, beat=time.time() - 1000)
    assert "killed; the next look heals it" in call("schedule", "log").out
    assert "a scheduled look was killed, and the next one heals it: process 7" in call("status").out
    refused(call(*RUN), "got a commit without .dvc")
    killed, found = past_looks(shots.root, "shots")
    assert (killed.id, killed.outcome, killed.commit) == ("other", "killed", "c0ffee")
    assert (found.outcome, found.exit_code) == ("wrong input", 2)
    assert not (state_folder(shots.root, "shots") / "lease.json").exists()


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ((), "expected a git repository with a commit, got none yet"),
        ((".dvc",), "expected pipelines/shots.yaml in master"),
        ((".dvc", "pipelines"), "data.train: expected a file or folder data/train"),
    ],
)
def test_what_no_commit_has_is_refused(
    shots: Any,
    call: Callable[..., Any],
    git: Callable[..., None],
    refused: Callable[..., str],
    added: tuple[str, ...],
    said: str,
) -> None:
    """It lies in the folder, where a look does not take it from; one line is left of each."""
    git("config", "init.defaultBranch", "master")
    git("symbolic-ref", "HEAD", "refs/heads/master")
    if added:
        git("add", *added)
        git("commit", "--quiet", "-m", "start")
    answer = call(*RUN)
    assert answer.code == 2
    assert answer.err.count("error: ") == 1
    assert said in answer.err
    assert [look.outcome for look in past_looks(shots.root, "shots")] == ["wrong input"]
    assert call("schedule", "log").out.count("wrong input") == 1


def test_a_file_that_cannot_be_read_leaves_a_line_too(
    shots: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """Under the file's name, since it says none; a revision that is no text is such a fault."""
    shots.file.write_text(shots.file.read_text() + "schedule: {interval: 6h, rev: 7}\n")
    refused(call(*RUN), "pipelines/shots.yaml:", "schedule.rev")
    assert [look.outcome for look in past_looks(shots.root, "shots")] == ["wrong input"]
    assert "wrong input" in call("schedule", "log", FILE).out


def test_a_project_that_nobody_looked_at_says_how(project: Path, call: Callable[..., Any]) -> None:
    """An empty log is no silence."""
    assert "adversity schedule run PIPELINE" in call("schedule", "log").out
    assert call("schedule", "log", "pipelines/tiny.yaml").out == "tiny: never looked at here\n"
