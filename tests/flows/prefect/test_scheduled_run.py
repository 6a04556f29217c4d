"""One scheduled run: a process of its own, and a Prefect state that says how it ended."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SAY = "import sys; print('first'); print('second', file=sys.stderr); sys.exit(int(sys.argv[1]))"


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (0, "COMPLETED", "Completed"),
        (1, "FAILED", "GateFailed"),
        (2, "FAILED", "WrongInput"),
        (3, "FAILED", "RunFailed"),
        (-9, "FAILED", "RunFailed"),
        (130, "CANCELLED", "Interrupted"),
    ],
)
def test_the_state_says_what_the_exit_code_means(code: int, kind: str, name: str) -> None:
    """Done, a failed gate, wrong input, a failed or killed run and an interrupt differ."""
    from adversity_flows.prefect_flows.states import state_of

    state = state_of(code, "gate x: 0.41 < 0.60")
    assert (state.type.value, state.name) == (kind, name)
    assert state.message == f"exit code {code}: gate x: 0.41 < 0.60"


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_gives_its_exit_code_and_last_lines(tmp_path: Path, code: int) -> None:
    """Both outputs are passed on line by line, and their end is kept for the message."""
    from adversity_flows.prefect_flows.scheduled_run import run_command

    lines: list[str] = []
    command = [sys.executable, "-c", SAY, str(code)]
    exit_code, last = run_command(command, tmp_path, lines.append)
    assert exit_code == code
    assert sorted(lines) == ["first", "second"]
    assert sorted(last.splitlines()) == ["first", "second"]


def test_the_command_does_not_take_the_flow_run_around_it_for_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect's internal variables are left out; the address of the API is passed on."""
    from adversity_flows.prefect_flows.scheduled_run import run_command

    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "0b3c")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    code = "import os; print(sorted(n for n in os.environ if n.startswith('PREFECT_')))"
    _, last = run_command([sys.executable, "-c", code], tmp_path, lambda line: None)
    assert "PREFECT_API_URL" in last
    assert "PREFECT__FLOW_RUN_ID" not in last


def test_the_verdict_of_the_run_is_said_and_not_its_last_lines(tmp_path: Path) -> None:
    """What somebody must look at is named, as the run's manifest has it."""
    from adversity_flows.prefect_flows.scheduled_run import verdict_said
    from adversity_flows.runs.past_runs import RunFolder

    folder = RunFolder(tmp_path, "tiny")
    folder.make()
    problems = ["ERROR d.accuracy >= 0.60: why", "FAIL c.accuracy >= 0.60: why", "void x: why"]
    record = {"verdict_line": "! ERROR: 1 of 5 gates", "problems": problems}
    folder.write_manifest(record)
    last = f"c.accuracy\n! ERROR   5 s   report: runs/{folder.id}/report.html (1.1 MB)"
    assert verdict_said(tmp_path, last).splitlines() == ["! ERROR: 1 of 5 gates", *problems]
    damaged = folder.path / "manifest.json"
    damaged.write_text(damaged.read_text().replace("1 of 5", "0 of 5"))
    assert verdict_said(tmp_path, last) == last
    assert verdict_said(tmp_path, "no run is named") == "no run is named"
    assert verdict_said(tmp_path, "report: runs/20000101-000000-gone/report.html") != ""


def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    """When the flow is told to stop, the command is ended before the flow's process ends."""
    from adversity_flows.prefect_flows.scheduled_run import run_command

    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        signal.raise_signal(signal.SIGINT)

    code = (
        "import os, pathlib, time; print(os.getpid(), flush=True); time.sleep(300)\n"
        "pathlib.Path('ended-by-itself').touch()"
    )
    with pytest.raises(KeyboardInterrupt):
        run_command([sys.executable, "-c", code], tmp_path, interrupt)
    assert not _lives(pids[0])
    assert list(tmp_path.iterdir()) == []


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
