"""Pipelines on their cron."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from psutil import Process

from adversity.errors import InputError
from adversity.pipeline.read.cron import clock_changes
from adversity_flows.prefect_flows.schedule import serve_schedule
from adversity_flows.prefect_flows.server import project_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIPELINE = """\
name: nightly
data:
  photos: {uses: dataset/folder, with: {path: data/photos}}
steps:
  net: {uses: classifier/small_cnn, from: photos}
"""
CRON = 'schedule: {cron: "30 4 * * *", timezone: Europe/Warsaw}\n'

SERVE = """
import sys
from pathlib import Path
from adversity_flows.prefect_flows.schedule import serve_schedule
root = Path(sys.argv[1])
serve_schedule(root, [Path("pipelines/nightly.yaml")], announce=lambda line: print(line, flush=True))
"""

# stands in for the command line in the scheduled process: writes what it was asked, exits 1
STAND_IN = """
import os, sys, time, types
def main():
    open("asked", "w").write(repr(sys.argv[1:]))
    if "FOREVER" in os.environ:
        open("at work", "w").write(str(os.getpid()))
        time.sleep(600)
    print("gate accuracy >= 0.60 failed: 0.41")
    return 1
if sys.argv[0] == "-c":
    fake = types.ModuleType("adversity_flows.cli")
    fake.main = main
    sys.modules["adversity_flows.cli"] = fake
"""


def write_pipeline(root: Path, text: str) -> Path:
    path = root / "pipelines" / "nightly.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_pipeline_without_a_schedule_is_refused(tmp_path: Path) -> None:
    """The message names the file and shows the line to add; nothing is started."""
    path = write_pipeline(tmp_path, PIPELINE)
    with pytest.raises(InputError, match=r"pipelines/nightly\.yaml: expected a schedule.*cron:"):
        serve_schedule(tmp_path, [path], announce=pytest.fail)
    assert not (tmp_path / ".adversity").exists()


def test_no_pipeline_is_refused(tmp_path: Path) -> None:
    """An empty list is an error and not an endless wait."""
    with pytest.raises(InputError, match="at least one pipeline"):
        serve_schedule(tmp_path, [], announce=pytest.fail)


def test_a_pipeline_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    """A path that leaves the project is named."""
    outside = write_pipeline(tmp_path, PIPELINE + CRON)
    (tmp_path / "project").mkdir()
    with pytest.raises(InputError, match="within"):
        serve_schedule(tmp_path / "project", [outside], announce=pytest.fail)


def test_prefect_does_what_is_said_of_a_change_of_the_clocks() -> None:
    """Where a time is skipped it starts at another one, where it is repeated once, else on time."""
    from prefect.server.schemas.schedules import CronSchedule

    zone, at = "Europe/Warsaw", (2, 30)
    start = datetime(2027, 3, 20, tzinfo=ZoneInfo(zone))
    said = [line.split(" (")[0] for line in clock_changes("30 2 * * *", zone, since=start.date())]
    assert said == [f"2027-03-28 has no 02:30 in {zone}", f"2027-10-31 has 02:30 twice in {zone}"]
    plan = CronSchedule(cron="30 2 * * *", timezone=zone)
    runs = [run.astimezone(ZoneInfo(zone)) for run in asyncio.run(plan.get_dates(300, start))]
    assert len({run.date() for run in runs}) == 300
    elsewhere = [str(run.date()) for run in runs if (run.hour, run.minute) != at]
    assert elsewhere == ["2027-03-28"]
    (twice,) = [run for run in runs if str(run.date()) == "2027-10-31"]
    assert twice.astimezone(UTC).hour == 0  # the first of the two: still summer time


@pytest.mark.slow
def test_a_due_run_is_executed_and_its_state_tells_the_exit_code(
    prefect_root: Path, tmp_path: Path
) -> None:
    """The cron puts runs at 04:30 in Warsaw; one made due now runs `adversity run FILE`.

    The run ends as GateFailed with the run's last line, and serving ends on SIGINT with exit
    code 0, the schedule paused.
    """
    with _serving(prefect_root, tmp_path) as (client, serving):
        first = serving.stdout.readline()
        assert first == "pipelines/nightly.yaml: 30 4 * * * (Europe/Warsaw)\n"
        deployment = _wait(lambda: _deployment(client), 60)
        due = client.create_flow_run_from_deployment(deployment.id).id
        run = _wait(lambda: _final(client.read_flow_run(due)), 120)
        planned = _wait(lambda: _planned(client, deployment.id), 60)
        said = _ended(serving, signal.SIGINT)
        paused = client.read_deployment(deployment.id).paused
    assert (run.state.type.value, run.state.name) == ("FAILED", "GateFailed")
    assert run.state.message == "exit code 1: gate accuracy >= 0.60 failed: 0.41"
    assert (
        prefect_root / "asked"
    ).read_text() == "['schedule', 'run', 'pipelines/nightly.yaml', '--prefect']"
    local = planned.astimezone(ZoneInfo("Europe/Warsaw"))
    assert (local.hour, local.minute) == (4, 30)
    assert planned > datetime.now(UTC)
    assert serving.returncode == 0, said
    assert "Traceback" not in said, said
    assert paused


@pytest.mark.slow
def test_sigterm_ends_serving_and_the_run_at_work(prefect_root: Path, tmp_path: Path) -> None:
    """What systemd and docker send is as clean as Ctrl-C: exit code 0, nothing left `Running`."""
    at_work = prefect_root / "at work"
    at_work.unlink(missing_ok=True)
    with _serving(prefect_root, tmp_path, FOREVER="1") as (client, serving):
        deployment = _wait(lambda: _deployment(client), 60)
        due = client.create_flow_run_from_deployment(deployment.id).id
        _wait(at_work.exists, 120)
        said = _ended(serving, signal.SIGTERM)
        run = client.read_flow_run(due)
        paused = client.read_deployment(deployment.id).paused
    assert serving.returncode == 0, said
    assert "Traceback" not in said, said
    assert run.state.type.value == "CANCELLED", run.state
    assert paused
    with pytest.raises(ProcessLookupError):
        os.kill(int(at_work.read_text()), 0)


@pytest.mark.slow
def test_what_kill_9_leaves_running_is_marked_and_the_next_serve_goes_on(
    prefect_root: Path, tmp_path: Path
) -> None:
    """Scheduler, flow and run die at once; the next serve marks the run and does one that waits."""
    at_work = prefect_root / "at work"
    at_work.unlink(missing_ok=True)
    with _serving(prefect_root, tmp_path, FOREVER="1") as (client, serving):
        deployment = _wait(lambda: _deployment(client), 60)
        killed = client.create_flow_run_from_deployment(deployment.id).id
        _wait(at_work.exists, 120)
        (flow,) = [
            one.pid for one in Process(serving.pid).children() if "prefect" in one.cmdline()[2]
        ]
        for pid in (serving.pid, flow, int(at_work.read_text())):
            os.kill(pid, signal.SIGKILL)
        serving.communicate()
        assert client.read_flow_run(killed).state.name == "Running"
        waiting = client.create_flow_run_from_deployment(deployment.id).id
    with _serving(prefect_root, tmp_path) as (client, serving):
        crashed = _wait(lambda: _final(client.read_flow_run(killed)), 60)
        done = _wait(lambda: _final(client.read_flow_run(waiting)), 120)
        _ended(serving, signal.SIGINT)
    assert crashed.state.type.value == "CRASHED"
    assert "its process ended without a word" in crashed.state.message
    assert done.state.name == "GateFailed"
    assert done.name.startswith("nightly 20")


@pytest.mark.slow
def test_a_run_outlives_the_process_that_serves_it(prefect_root: Path, tmp_path: Path) -> None:
    """kill -9 of the scheduler alone: the run ends in its own state, though nobody reads its output."""
    at_work = prefect_root / "at work"
    at_work.unlink(missing_ok=True)
    with _serving(prefect_root, tmp_path, FOREVER="1") as (client, serving):
        deployment = _wait(lambda: _deployment(client), 60)
        due = client.create_flow_run_from_deployment(deployment.id).id
        _wait(lambda: at_work.exists() and at_work.read_text(), 120)
        serving.kill()
        serving.wait()
        serving.stdout.close()
        os.kill(int(at_work.read_text()), signal.SIGKILL)
        run = _wait(lambda: _final(client.read_flow_run(due)), 120)
    assert run.state.name == "RunFailed", run.state
    assert run.state.message.startswith("exit code -9")


@contextmanager
def _serving(root: Path, tmp_path: Path, **environment: str) -> Iterator[tuple[Any, Any]]:
    """Serve the pipeline in a process, its runs replaced by the stand-in."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    write_pipeline(root, PIPELINE + CRON)
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    with (
        project_server(root) as url,
        temporary_settings({PREFECT_API_URL: url}),
        get_client(sync_client=True) as client,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, str(root)],
            env=os.environ | {"PYTHONPATH": str(tmp_path)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as serving,
    ):
        try:
            yield client, serving
        finally:
            serving.kill()


def _ended(serving: Any, number: signal.Signals) -> str:
    """Send a signal and return what was said until the end."""
    serving.send_signal(number)
    return str(serving.communicate(timeout=120)[0])


def _wait(look, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.3)
    pytest.fail(f"nothing within {seconds} s")


def _deployment(client):
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name("scheduled_run/nightly")
    except ObjectNotFound:
        return None


def _final(run):
    return run if run.state and run.state.is_final() else None


def _planned(client, deployment_id):
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId

    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]))
    )
    times = [run.expected_start_time for run in runs if run.state and run.state.is_scheduled()]
    return min(times, default=None)
