"""kill -9 of a worker of a work pool, while it runs a pipeline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from psutil import Process

from adversity.pipeline.read.spec import ScheduleSpec
from adversity_flows.prefect_flows.deploy import deploy
from adversity_flows.prefect_flows.deployments import deployments_of, trigger
from adversity_flows.prefect_flows.held_runs import mark_crashed
from adversity_flows.prefect_flows.lent_client import lent_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CRON = ScheduleSpec(cron="30 4 * * *", timezone="Europe/Warsaw")
FILE = "pipelines/worked.yaml"
PIPELINE = """\
name: worked
data: {photos: {uses: dataset/folder, with: {path: data/photos}}}
steps: {net: {uses: classifier/small_cnn, from: photos}}
schedule: {cron: "30 4 * * *", timezone: Europe/Warsaw}
"""
# stands in for the command line in the process of a run: at work until a file lets it go
STAND_IN = """
import os, sys, time, types
def main():
    with open("worked at", "w") as file:
        file.write(str(os.getpid()))
    while not os.path.exists("worked go"):
        time.sleep(0.05)
    print("gate accuracy >= 0.60 failed: 0.41")
    return 1
if sys.argv[0] == "-c":
    fake = types.ModuleType("adversity_flows.cli")
    fake.main = main
    sys.modules["adversity_flows.cli"] = fake
"""


@contextmanager
def worker(root: Path, tmp_path: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Lend a worker of the pool; it is gone in the end."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "worked"]
    with subprocess.Popen(
        [*command, "--type", "process"],
        env=os.environ | {"PREFECT_API_URL": url, "PYTHONPATH": str(tmp_path)},
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(look: Callable[[], Any], seconds: float = 180) -> Any:
    """Return what a look finds, as soon as it does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.3)
    return pytest.fail(f"nothing within {seconds:.0f} s")


def ended(client: Any, run: Any) -> Any:
    """Return a run if it has ended."""
    found = client.read_flow_run(run.id)
    return found if found.state.is_final() else None


@pytest.mark.slow
def test_a_killed_worker_costs_no_verdict_and_no_later_run(
    prefect_root: Path, tmp_path: Path
) -> None:
    """A run at work ends by itself; one that dies with its worker is marked, and the next one runs."""
    (prefect_root / "pipelines").mkdir(exist_ok=True)
    (prefect_root / FILE).write_text(PIPELINE)
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    at, go = prefect_root / "worked at", prefect_root / "worked go"
    deploy(prefect_root, [(FILE, "worked", CRON)], pool="worked", announce=lambda _: None)
    with lent_client(prefect_root) as client:
        deployment = deployments_of(client, prefect_root)[FILE]
        url = str(client.api_url)
        alone = trigger(prefect_root, client, deployment, [])
        with worker(prefect_root, tmp_path, url) as killed:
            wait(at.exists)
            killed.send_signal(signal.SIGKILL)
        assert client.read_flow_run(alone.id).state.name == "Running"
        go.touch()
        state = wait(lambda: ended(client, alone)).state
        assert (state.name, state.message) == (
            "GateFailed",
            "exit code 1: gate accuracy >= 0.60 failed: 0.41",
        )
        for path in (at, go):
            path.unlink()
        together = trigger(prefect_root, client, deployment, [])
        with worker(prefect_root, tmp_path, url) as killed:
            wait(lambda: at.exists() and at.read_text())
            look = Process(int(at.read_text()))
            for process in (killed, look.parent(), look):
                process.send_signal(signal.SIGKILL)
        assert client.read_flow_run(together.id).state.name == "Running"
        go.touch()
        later = trigger(prefect_root, client, deployment, [])
        assert mark_crashed(prefect_root, client, deployments=[deployment.id]) == [together.name]
        assert client.read_flow_run(together.id).state.type.value == "CRASHED"
        with worker(prefect_root, tmp_path, url):
            assert wait(lambda: ended(client, later)).state.name == "GateFailed"
