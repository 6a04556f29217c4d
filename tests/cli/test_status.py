"""What is to do and why, said without computing, changing or fetching anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.dvc.at_work import at_work
from adversity_flows.runs.looks import Look, write_look
from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.git import Git
from adversity_flows.scheduled.lease import Lease, state_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def steps(answer: Any) -> dict[str, tuple[str, list[str], bool]]:
    """Return state, reasons and presence of the one pipeline's steps."""
    (one,) = json.loads(answer.out)["pipelines"]
    return {s["step"]: (s["state"], s["reasons"], s["here"]) for s in one["steps"]}


def files(root: Path) -> dict[str, int]:
    """Return every file of a project with the time of its last change; DVC's scratch is its own."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in root.rglob("*")
        if path.is_file() and ".dvc/tmp" not in str(path)
    }


def test_before_the_first_run_all_is_to_do(shots: Any, call: Callable[..., Any]) -> None:
    """And what waits for another step says for which; `--check` makes it an exit code."""
    answer = call("status")
    assert answer.code == 0
    assert "pipelines/shots.yaml: 3 of 3 steps to do" in answer.out
    assert "never ran here" in answer.out
    assert {why[1][0] for why in steps(call("status", "--json")).values()} == {"never ran"}
    assert call("status", "--check").code == 1


def test_after_a_run_nothing_is(finished: Any, call: Callable[..., Any]) -> None:
    """The last run is named with its verdict; nothing is written."""
    before = files(finished.root)
    answer = call("status", "--check")
    assert answer.code == 0
    assert "pipelines/shots.yaml: nothing to do" in answer.out
    assert "DONE: no gate was judged" in answer.out
    assert "predictions" not in answer.out  # all steps only where a pipeline is named
    named = call("status", "pipelines/shots.yaml")
    assert "✓ predictions  unchanged" in named.out
    assert files(finished.root) == before


def test_an_edit_is_said_with_what_follows(finished: Any, call: Callable[..., Any]) -> None:
    """As a run would say it, and before anything was brought in step."""
    finished.edit("epochs: 1", "epochs: 2")
    before = files(finished.root)
    found = steps(call("status", "--json"))
    assert found["net"] == ("to do", ["steps.net.with.epochs 1 -> 2"], True)
    assert found["predictions"][1] == ["steps.net.with.epochs 1 -> 2"]
    assert found["report"][0] == "to do"
    assert files(finished.root) == before


def test_changed_source_counts_before_a_run(
    finished: Any, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of resolved plugins on the disk is old until a run writes it."""
    file = finished.root / "pipelines" / ".resolved" / "shots.yaml"
    text = file.read_text(encoding="utf-8")
    monkeypatch.setattr(
        "adversity_flows.dvc.outlook.contents_of",
        lambda plan: {"pipelines/.resolved/shots.yaml": _other_source(text)},
    )
    found = steps(call("status", "--json"))
    assert found["net"][1] == ["plugin classifier/small_cnn: source changed"]
    assert file.read_text(encoding="utf-8") == text


def _other_source(text: str) -> Any:
    import yaml

    content = yaml.safe_load(text)
    content["steps"]["net"]["fingerprint"] = "another"
    return content


def test_a_clone_without_data_says_the_same(finished: Any, call: Callable[..., Any]) -> None:
    """What is recorded and not on this disk is done; what was never recorded is missing."""
    shutil.rmtree(finished.root / "artifacts")
    shutil.rmtree(finished.root / "metrics")
    shutil.rmtree(finished.root / ".dvc" / "cache")
    found = steps(call("status", "--json"))
    assert list(found.values()) == [("unchanged", [], False)] * 3
    named = call("status", "pipelines/shots.yaml")
    assert "unchanged, not on this disk: `dvc pull`" in named.out
    shutil.rmtree(finished.root / "data" / "test")
    answer = call("status")
    assert "data/test" in answer.out
    assert steps(call("status", "--json"))["predictions"] == (
        "to do", ["data/test is missing"], False,
    )  # fmt: skip


def test_data_that_changed_wait_for_a_decision(finished: Any, call: Callable[..., Any]) -> None:
    """Tracked by DVC and edited on the disk: neither version is taken silently."""
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "data/test"], check=True)
    assert call("status", "--check").code == 0
    finished.draw("data/test/more", 1)
    answer = call("status", "--check")
    assert answer.code == 1
    assert "✗ predictions  data set data/test: expected the version" in answer.out
    assert "dvc add data/test" in answer.out
    assert [state for state, _, _ in steps(call("status", "--json")).values()] == [
        *("unchanged", "waits", "waits")
    ]


def test_who_is_at_work_is_said(finished: Any, call: Callable[..., Any]) -> None:
    """A living process with its reservation; what a killed one left is passed over."""
    lock = finished.root / ".dvc" / "tmp" / "rwlock"
    out = str(finished.root.resolve() / "artifacts/shots/net")
    entry = {"pid": os.getpid(), "cmd": "adversity run pipelines/shots.yaml"}
    lock.write_text(json.dumps({"write": {out: entry}, "read": {}}))
    answer = call("status")
    assert f"at work: process {os.getpid()} (adversity run pipelines/shots.yaml)" in answer.out
    assert "makes artifacts/shots/net" in answer.out
    lock.write_text(json.dumps({"write": {out: {**entry, "pid": 2**22 + 1}}, "read": {}}))
    assert at_work(finished.root) == ()
    lock.write_text("{")
    assert at_work(finished.root) == ()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"state": "failed", "error": "the disk is full\nmore"}, "failed: the disk is full"),
        ({"state": "running"}, "was killed; `adversity run` goes on where it stopped"),
    ],
)
def test_how_the_last_try_ended_is_said(
    finished: Any, call: Callable[..., Any], state: dict[str, str], said: str
) -> None:
    """Also where it came to no report; the accepted run is named beside it."""
    from adversity_flows.runs.past_runs import RunFolder

    folder = RunFolder(finished.root, "shots")
    folder.make()
    folder.write_manifest({"pipeline": "shots", **state})
    answer = call("status")
    assert f"last run {folder.id}: {said}\n" in answer.out
    assert "accepted run " in answer.out


def test_a_file_that_is_wrong_is_refused(
    shots: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """As everywhere: with its line."""
    shots.edit("classifier/small_cnn", "classifier/smal_cnn")
    refused(call("status"), "pipelines/shots.yaml:", "did you mean small_cnn")


def test_when_pipelines_run_next_is_listed(shots: Any, call: Callable[..., Any]) -> None:
    """In the time zone of the schedule; without any it says what to add."""
    assert "add a line such as `schedule: {cron:" in call("schedule", "list").out
    shots.file.write_text(
        shots.file.read_text() + "schedule: {interval: 6h, timezone: Europe/Warsaw}\n"
    )
    answer = call("schedule", "list", "--count", "4")
    assert answer.out.startswith("pipelines/shots.yaml: every 6h (Europe/Warsaw): ")
    assert answer.out.count(" 00:00") == 1
    (one,) = json.loads(call("schedule", "list", "--json").out)["schedules"]
    assert one["schedule"] == {"interval": "6h", "timezone": "Europe/Warsaw"}
    assert len(one["due"]) == 3
    assert "scheduled: every 6h (Europe/Warsaw)" in call("status").out


def test_scheduled_looks_are_named(
    shots: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """The accepted run stands in git; last, next, at work, and what waits to be pushed."""
    git("add", ".")
    git("commit", "--quiet", "-m", "start")
    shots.file.write_text(shots.file.read_text() + "schedule: {cron: '0 2 * * *'}\n")
    assert "accepted scheduled run" not in call("status").out
    found = Git(shots.root)
    code = found.says("rev-parse", "HEAD") or ""
    pointer = {"run": "20261122-020000-shots", "commit": code, "verdict": "PASS: all gates passed"}
    files = {"results/shots/accepted.json": json.dumps(pointer).encode()}
    ResultsBranch(found, "shots").commit(code, files, "a night", shots.root / "index")
    begun = "2026-11-22T02:00:00Z"
    write_look(shots.root, Look("a", "shots", "not pushed", "no answer", begun, 1.0, unpushed=2))
    with Lease.take(state_folder(shots.root, "shots"), "b", "2026-11-23T02:00:00Z"):
        out = call("status").out
        (state,) = json.loads(call("status", "--json").out)["pipelines"]
    said = [line.strip() for line in out.splitlines()]
    accepted = (
        f"accepted scheduled run 20261122-020000-shots of {code[:10]}: PASS: all gates passed"
    )
    assert accepted in said
    assert "last look 2026-11-22T02:00:00Z: not pushed: no answer" in said
    assert "2 commits wait to be pushed; the next look tries again" in said
    (due,) = [line for line in said if line.startswith("scheduled: 0 2 * * * (UTC); next ")]
    assert due.endswith(" 02:00")
    (at_work,) = [line for line in said if line.startswith("a scheduled look is at work: process ")]
    assert at_work.endswith("since 2026-11-23T02:00:00Z")
    assert state["accepted_scheduled_run"] == pointer
    assert state["last_look"]["unpushed"] == 2
    assert (state["look_at_work"]["pid"], state["look_at_work"]["lives"]) == (os.getpid(), True)
    assert state["next_look"].endswith("T02:00:00+00:00")
    assert state["prefect"] is None
