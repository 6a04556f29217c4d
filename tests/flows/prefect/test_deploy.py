"""Deployments written down in `prefect.yaml`, and what Prefect does with them."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import yaml

from adversity.errors import InputError
from adversity.pipeline.read.spec import ScheduleSpec
from adversity_flows.exit_codes import FAILED
from adversity_flows.prefect_flows.deploy import deploy, pool_of, write_prefect_file
from adversity_flows.prefect_flows.deployments import (
    chosen,
    deployments_of,
    known_of,
    said_at_end,
    set_paused,
    trigger,
)

if TYPE_CHECKING:
    from pathlib import Path

CRON = ScheduleSpec(cron="30 4 * * *", timezone="Europe/Warsaw")
PIPELINE = """\
name: deployed
data:
  photos: {uses: dataset/folder, with: {path: data/photos}}
steps:
  net: {uses: classifier/small_cnn, from: photos}
schedule: {cron: "30 4 * * *", timezone: Europe/Warsaw}
"""
FILE = "pipelines/deployed.yaml"

# stands in for the command line in the process of a run: writes what it was asked, exits 1
STAND_IN = """
import sys, types
def main():
    open("deployed asked", "w").write(repr(sys.argv[1:]))
    print("gate accuracy >= 0.60 failed: 0.41")
    return 1
if sys.argv[0] == "-c":
    fake = types.ModuleType("adversity_flows.cli")
    fake.main = main
    sys.modules["adversity_flows.cli"] = fake
"""


def test_what_others_deploy_stays_with_its_comments(tmp_path: Path) -> None:
    """Written twice it is the same file, and a changed schedule changes its own lines only."""
    path = tmp_path / "prefect.yaml"
    path.write_text(
        "name: ours\ndeployments:\n  # fetches the photos\n"
        "  - name: fetch\n    entrypoint: fetch.py:fetch\n"
    )
    write_prefect_file(path, [(FILE, "deployed", CRON)], "pool")
    first = path.read_text()
    write_prefect_file(path, [(FILE, "deployed", CRON)], "pool")
    assert path.read_text() == first
    assert "# fetches the photos" in first
    write_prefect_file(path, [(FILE, "deployed", ScheduleSpec(interval="6h"))], "pool")
    fetch, ours = yaml.safe_load(path.read_text())["deployments"]
    assert fetch == {"name": "fetch", "entrypoint": "fetch.py:fetch"}
    assert ours["schedules"] == [
        {"interval": 21600, "anchor_date": "2000-01-01T00:00:00+00:00", "timezone": "UTC"}
    ]
    assert str(tmp_path) not in path.read_text()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("deployments: {a: b}\n", "list `deployments`"),
        ("- a\n", "list `deployments`"),
        ("a: [\n", "YAML that can be read"),
        ("deployments: [{name: deployed, entrypoint: theirs.py:run}]\n", r"theirs\.py:run"),
    ],
)
def test_a_file_that_is_not_understood_is_left_as_it_was(
    tmp_path: Path, text: str, match: str
) -> None:
    """The message says what was expected of it."""
    path = tmp_path / "prefect.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        write_prefect_file(path, [(FILE, "deployed", CRON)], "pool")
    assert path.read_text() == text


def test_a_pool_is_named_after_the_folder(tmp_path: Path) -> None:
    """By what Prefect takes as a name."""
    assert pool_of(tmp_path / "Night Photos_2") == "adversity-night-photos-2"
    assert pool_of(tmp_path / "夜") == "adversity"


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        ("exit code 1: x >= 0.6 failed", 1, "x >= 0.6 failed"),
        ("exit code 0", 0, ""),
        ("exit code -9", FAILED, ""),
        ("Deployment concurrency limit reached.", FAILED, "Cancelled: Deployment concurrency lim"),
    ],
)
def test_the_exit_code_of_a_run_is_in_its_state(message: str, code: int, said: str) -> None:
    """A run without one came to no verdict."""
    run = SimpleNamespace(state=SimpleNamespace(message=message), state_name="Cancelled")
    number, words = said_at_end(run)
    assert number == code
    assert words.startswith(said)


def test_a_pipeline_that_nobody_serves_is_named(tmp_path: Path) -> None:
    """And so is the way out; without a name all are meant."""
    with pytest.raises(InputError, match=r"got pipelines/a\.yaml; start `adversity schedule"):
        chosen({"pipelines/b.yaml": None}, tmp_path, [tmp_path / "pipelines/a.yaml"])
    with pytest.raises(InputError, match="none of the project's"):
        chosen({}, tmp_path, [])
    assert chosen({"pipelines/b.yaml": None}, tmp_path, []) == [("pipelines/b.yaml", None)]


@pytest.mark.slow
def test_prefect_takes_the_file_and_its_worker_runs_a_pipeline(
    prefect_root: Path, tmp_path: Path
) -> None:
    """Deployed, triggered with a setting, done by Prefect's own worker, paused and kept so.

    `prefect deploy --all` takes the same file, and the pause outlives both.
    """
    from adversity_flows.prefect_flows.lent_client import lent_client

    (prefect_root / "pipelines").mkdir(exist_ok=True)
    (prefect_root / FILE).write_text(PIPELINE)
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    said: list[str] = []
    plans = [(FILE, "deployed", CRON)]
    deploy(prefect_root, plans, pool="night", announce=said.append)
    with lent_client(prefect_root) as client:
        deployment = deployments_of(client, prefect_root)[FILE]
        ordered = trigger(prefect_root, client, deployment, ["seed=1"])
        assert known_of(client, prefect_root, deployment).waits
        environment = os.environ | {
            "PREFECT_API_URL": str(client.api_url),
            "PYTHONPATH": str(tmp_path),
        }
        prefect = [sys.executable, "-m", "prefect"]
        subprocess.run(
            [*prefect, "worker", "start", "--pool", "night", "--run-once"],
            env=environment,
            cwd=tmp_path,
            check=True,
            timeout=120,
        )
        run = client.read_flow_run(ordered.id)
        set_paused(client, deployment, paused=True)
        again = subprocess.run(
            [*prefect, "--no-prompt", "deploy", "--all"],
            env=environment | {"PWD": str(prefect_root)},
            cwd=prefect_root,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert again.returncode == 0, again.stdout + again.stderr
        set_paused(client, deployments_of(client, prefect_root)[FILE], paused=True)
    deploy(prefect_root, plans, pool="night", announce=said.append)
    with lent_client(prefect_root) as client:
        kept = known_of(client, prefect_root, deployments_of(client, prefect_root)[FILE])
    line = f"{FILE}: 30 4 * * * (Europe/Warsaw): deployment scheduled_run/deployed"
    assert said == [line, f"{line}; still paused"]
    assert said_at_end(run) == (1, "gate accuracy >= 0.60 failed: 0.41")
    asked = (prefect_root / "deployed asked").read_text()
    assert asked == f"['schedule', 'run', '{FILE}', '--prefect', '--set', 'seed=1']"
    assert run.name.startswith("deployed 20")
    assert (kept.paused, kept.started_by, kept.last) == (True, "night", "GateFailed")
