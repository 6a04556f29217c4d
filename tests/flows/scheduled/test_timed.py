"""A look whose time is over is killed with all that it started, and leaves what it could not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from adversity.errors import RunError
from adversity_flows.exit_codes import FAILED, INTERRUPTED
from adversity_flows.runs.looks import Look, past_looks
from adversity_flows.runs.past_runs import read_run
from adversity_flows.scheduled import timed
from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.git import Git
from adversity_flows.scheduled.lease import holder_of, state_folder
from adversity_flows.scheduled.left_results import as_its_results_say
from adversity_flows.scheduled.timed import TimedOutError, Timeout, look_in_time, timeout_of

if TYPE_CHECKING:
    from pathlib import Path

FILE = "pipelines/nightly.yaml"
PIPELINE = """\
name: nightly
data: {photos: {uses: dataset/folder, with: {path: data}}}
steps: {net: {uses: classifier/small_cnn, from: photos}}
schedule: {interval: 6h, timeout: 45m}
"""
LOOK = """
import os, pathlib, subprocess, sys, time
from adversity_flows.runs.looks import write_look
from adversity_flows.runs.past_runs import RunFolder
from adversity_flows.scheduled.lease import Lease, state_folder
from adversity_flows.scheduled.look import new_look
from adversity_flows.scheduled.timed import name_from_outside
root = pathlib.Path(sys.argv[1])
look = new_look("nightly.yaml", name_from_outside())
folder = state_folder(root, "nightly")
lease = Lease.take(folder, look.id, look.started)
lease.names("c0ffee")
run = RunFolder(folder / "tree", "nightly")
run.make()
run.write_manifest({"pipeline": "nightly", "state": "running"})
child = subprocess.Popen(["sleep", "600"])
(root / "child").write_text(str(child.pid))
(root / "ready").touch()
"""
"""Does what a look does, up to the point where it hangs."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in git."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / FILE).write_text(PIPELINE)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)
    return tmp_path


def lives(root: Path) -> bool:
    """Tell whether the process that the look started is still there."""
    with_pid = int((root / "child").read_text())
    try:
        return psutil.Process(with_pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def within(seconds: float, root: Path) -> bool:
    """Wait for the end of that process."""
    until = time.monotonic() + seconds
    while lives(root) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(root)


def look(root: Path, seconds: float, told: list[Look]) -> int:
    """Do a look in a process; its time begins when it hangs."""
    return look_in_time(root, FILE, Timeout("45m", seconds, "nightly"), [str(root)], told.append)


@pytest.fixture
def from_its_hanging(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no busy machine end a look before it hangs."""
    started = timed._started

    def wait(*arguments):
        made = started(*arguments)
        until = time.monotonic() + 60
        while not (root / "ready").exists() and time.monotonic() < until:
            time.sleep(0.05)
        return made

    monkeypatch.setattr(timed, "_started", wait)


def test_the_file_says_how_long(root: Path) -> None:
    """A file without, or one that cannot be read, says nothing: the look itself will."""
    assert timeout_of(root, FILE) == Timeout("45m", 2700.0, "nightly")
    path = root / FILE
    path.write_text(PIPELINE.replace(", timeout: 45m", ""))
    assert timeout_of(root, FILE) is None
    path.write_text(PIPELINE.replace("45m", "90"))
    assert timeout_of(root, FILE) is None


@pytest.mark.usefixtures("from_its_hanging")
def test_a_look_that_hangs_is_ended_and_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its children too; its run says how it ended, and the lease and the worktree are free."""
    monkeypatch.setattr(timed, "_RUN", f"{LOOK}time.sleep(600)")
    told: list[Look] = []
    (root / FILE).write_text("edited: [")  # somebody is at it just now
    with pytest.raises(TimedOutError, match=r"^the look timed out: .* schedule\.timeout, 45m"):
        look(root, 0.2, told)
    (left,) = past_looks(root, "nightly")
    assert told == [left]
    assert (left.outcome, left.exit_code, left.commit) == ("timed out", FAILED, "c0ffee")
    assert left.verdict.startswith("it took longer than schedule.timeout, 45m")
    run = read_run(root, left.run)
    assert run is not None
    assert (run.manifest["state"], run.manifest["exit_code"]) == ("failed", FAILED)
    assert "timed out" in run.manifest["error"]
    assert "timed out" in (run.path / "log.txt").read_text()
    assert within(10, root)
    folder = state_folder(root, "nightly")
    assert holder_of(folder) is None
    assert not (folder / "tree").exists()


@pytest.mark.usefixtures("from_its_hanging")
def test_a_look_that_only_told_too_long_stays_as_it_ended(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line is there; no second one comes."""
    ended = "from dataclasses import replace\nwrite_look(root, replace(look, pipeline='nightly', outcome='gate failed'))\n"
    monkeypatch.setattr(timed, "_RUN", f"{LOOK}lease.release()\n{ended}time.sleep(600)")
    told: list[Look] = []
    seconds = 3.0  # the line must be written first
    assert look(root, seconds, told) == 1
    assert [one.outcome for one in past_looks(root, "nightly")] == ["gate failed"]
    assert told == []


RESULTS = """
import json, subprocess, time
from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.git import Git
git = Git(root)
code = git.says("rev-parse", "HEAD")
lease.names(code)
name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-nightly"
(root / "runs" / name).mkdir(parents=True)
fails = (root / "fails").exists()
gate = {"text": "accuracy >= 0.6", "verdict": "fail" if fails else "pass"}
records = {
    "run.json": {"run": name, "commit": code, "verdict": "its verdict"},
    "accepted.json": {"run": name},
    "run/manifest.json": {"id": name, "exit_code": int(fails), "gates": [gate]},
}
files = {f"results/nightly/{file}": json.dumps(one).encode() for file, one in records.items()}
branch = ResultsBranch(git, "nightly")
branch.commit(code, files, "a run", root / "index")
if (root / "pushed").exists():
    branch.note_pushed()
(root / "ready").touch()
time.sleep(600)
"""
"""Leaves its results, as a look does just before its line."""


@pytest.mark.parametrize(
    ("traces", "outcome", "code", "unpushed"),
    [
        ((), "done", 0, 0),
        (("remote", "pushed"), "done", 0, 0),
        (("remote",), "not pushed", FAILED, 1),
        (("remote", "fails"), "gate failed", 1, 1),
    ],
)
@pytest.mark.usefixtures("from_its_hanging")
def test_a_look_whose_results_stand_came_to_a_verdict(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    traces: tuple[str, ...],
    outcome: str,
    code: int,
    unpushed: int,
) -> None:
    """Killed between the commit of its results and its line: both say the same, and what is left."""
    for trace in traces:
        (root / trace).touch()
    if "remote" in traces:
        subprocess.run(["git", "remote", "add", "origin", "nowhere"], cwd=root, check=True)
    monkeypatch.setattr(timed, "_RUN", LOOK.replace('(root / "ready").touch()\n', "") + RESULTS)
    told: list[Look] = []
    assert look(root, 0.2, told) == code
    (left,) = past_looks(root, "nightly")
    assert told == [left]
    assert (left.outcome, left.unpushed) == (outcome, unpushed)
    assert left.verdict.startswith("its verdict")
    assert ("schedule.timeout, 45m" in left.verdict) == (outcome != "done")
    assert left.gates_failed == (("accuracy >= 0.6",) if "fails" in traces else ())
    assert left.run == left.accepted
    assert left.results


def test_results_of_another_look_are_not_its_own(root: Path) -> None:
    """Those of an earlier one, of another commit, or of another machine leave the line as it is."""
    git = Git(root)
    code = git.says("rev-parse", "HEAD") or ""
    run = "20261122-020500-nightly"
    record = {"run": run, "commit": code, "verdict": "its verdict"}
    files = {"results/nightly/run.json": json.dumps(record).encode()}
    ResultsBranch(git, "nightly").commit(code, files, "a run", root / "index")
    mine = Look("a", "nightly", "killed", "gone", "2026-11-22T02:00:00Z", 1.0, commit=code)
    assert as_its_results_say(git, mine) == mine
    (root / "runs" / run).mkdir(parents=True)
    assert as_its_results_say(git, mine).outcome == "done"
    for other in (replace(mine, commit="c0ffee"), replace(mine, started="2026-11-22T02:06:00Z")):
        assert as_its_results_say(git, other) == other


@pytest.mark.usefixtures("from_its_hanging")
def test_a_look_in_time_ends_as_it_says(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its exit code; one that somebody killed is a failed run, which the next look tells of."""
    monkeypatch.setattr(timed, "_RUN", f"{LOOK}child.kill()\nsys.exit(1)")
    assert look(root, 60, []) == 1
    (root / "ready").unlink()
    monkeypatch.setattr(timed, "_RUN", f"{LOOK}child.kill()\nos.kill(os.getpid(), 9)")
    with pytest.raises(RunError, match=r"was killed \(signal 9\)"):
        look(root, 60, [])
    assert past_looks(root, "nightly") == []


WAITS = """
import pathlib, sys
from adversity_flows.ending_signals import take_as_interrupt
from adversity_flows.scheduled import timed
timed._RUN = sys.argv[2]
take_as_interrupt()
root = pathlib.Path(sys.argv[1])
sys.exit(timed.look_in_time(root, "pipelines/nightly.yaml", timed.Timeout("1h", 3600.0, "nightly"), [str(root)], print))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nobody_waits_and_no_look_is_left(root: Path, number: signal.Signals) -> None:
    """Asked to end, it passes that on; killed, its look ends with it, and so do its children."""
    asleep = f"from adversity_flows.ending_signals import take_as_interrupt\n{LOOK}take_as_interrupt()\ntry:\n  time.sleep(600)\nfinally:\n  child.kill()"
    with subprocess.Popen([sys.executable, "-c", WAITS, str(root), asleep]) as waits:
        until = time.monotonic() + 60
        while not (root / "ready").exists() and time.monotonic() < until:
            time.sleep(0.05)
        holder = holder_of(state_folder(root, "nightly"))
        assert holder is not None
        os.kill(waits.pid, number)
        code = waits.wait(60)
    assert code == (INTERRUPTED if number == signal.SIGTERM else -number)
    assert within(20, root)
    until = time.monotonic() + 20
    while psutil.pid_exists(holder.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert holder.is_gone
