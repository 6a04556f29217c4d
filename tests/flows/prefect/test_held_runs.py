"""Flow runs whose process is gone: found by a lock that the kernel frees, and marked Crashed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import uuid4

from adversity_flows.prefect_flows.held_runs import UNCLAIMED_SECONDS, hold, mark_crashed

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from adversity_flows.prefect_flows.held_runs import hold
held = hold(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""


class Server:
    """A client of a server with the runs that are given."""

    def __init__(self, **names: str) -> None:
        self.states: dict[object, str] = {}
        self.runs = {
            uuid4(): SimpleNamespace(name=name, state=_state(kind)) for name, kind in names.items()
        }
        for key, run in self.runs.items():
            run.id = key

    def read_flow_run(self, run):
        from prefect.exceptions import ObjectNotFound

        if run not in self.runs:
            raise ObjectNotFound(Exception("404"))
        return self.runs[run]

    def read_flow_runs(self, flow_run_filter):
        kinds = {kind.value for kind in flow_run_filter.state.type.any_}
        return [run for run in self.runs.values() if run.state.kind in kinds]

    def set_flow_run_state(self, run, state, force=False):
        self.states[self.runs[run].name] = state.type.value


def _state(kind: str, age: float = 0.0) -> SimpleNamespace:
    ended = kind in {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
    then = datetime.now(UTC) - timedelta(seconds=age)
    return SimpleNamespace(kind=kind, is_final=lambda: ended, timestamp=then)


def test_a_run_is_left_alone_while_its_process_lives_and_marked_once_it_is_killed(
    tmp_path: Path,
) -> None:
    """After kill -9 the next look marks it, in another process, and then it is forgotten."""
    server = Server(nightly="RUNNING")
    (run,) = server.runs
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), str(run)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        assert mark_crashed(tmp_path, server) == []
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30)
    assert mark_crashed(tmp_path, server) == ["nightly"]
    assert server.states == {"nightly": "CRASHED"}
    server.states.clear()
    assert mark_crashed(tmp_path, server) == []
    assert server.states == {}


def test_a_run_that_said_how_it_ended_keeps_its_state(tmp_path: Path) -> None:
    """The file of a run that ended in order goes without a word."""
    server = Server(nightly="FAILED")
    (run,) = server.runs
    hold(tmp_path, str(run)).close()
    assert mark_crashed(tmp_path, server) == []
    assert server.states == {}
    assert list((tmp_path / ".adversity/prefect/at_work").iterdir()) == []


def test_a_run_of_another_server_is_kept_for_that_one(tmp_path: Path) -> None:
    """Whoever asks the wrong server first loses nothing."""
    ours, theirs = Server(nightly="RUNNING"), Server()
    (run,) = ours.runs
    hold(tmp_path, str(run)).close()
    assert mark_crashed(tmp_path, theirs) == []
    assert mark_crashed(tmp_path, ours) == ["nightly"]


def test_a_run_that_nobody_took_up_is_marked_after_five_minutes(tmp_path: Path) -> None:
    """A scheduler that was killed between its word and the start of the process leaves such a one."""
    server = Server(fresh="PENDING", old="PENDING", held="CANCELLING")
    by_name = {run.name: run for run in server.runs.values()}
    by_name["old"].state = _state("PENDING", age=UNCLAIMED_SECONDS + 1)
    by_name["held"].state = _state("CANCELLING", age=UNCLAIMED_SECONDS + 1)
    holding = hold(tmp_path, str(by_name["held"].id))
    try:
        assert mark_crashed(tmp_path, server) == []  # of no deployment of this project
        assert mark_crashed(tmp_path, server, deployments=[uuid4()]) == ["old"]
    finally:
        holding.close()


def test_a_run_in_the_worktree_of_a_look_is_found_from_the_project(tmp_path: Path) -> None:
    """The worktree is removed, and with it a lock in it would be."""
    server = Server(nightly="RUNNING")
    (run,) = server.runs
    hold(tmp_path / ".adversity/schedule/nightly/tree", str(run)).close()
    assert mark_crashed(tmp_path, server) == ["nightly"]


def test_a_folder_that_cannot_be_written_costs_no_run(tmp_path: Path) -> None:
    """There is then no lock, and no error."""
    (tmp_path / ".adversity").write_text("a file")
    assert hold(tmp_path, str(uuid4())) is None
    assert mark_crashed(tmp_path, Server()) == []
