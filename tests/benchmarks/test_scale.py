"""The benchmarks of many workers run as a user starts them; no figure of time counts here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def called(tmp_path, name, *options):
    """Return what a script prints on standard output."""
    command = [sys.executable, str(BENCHMARKS / name), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_scale_times_processes_and_a_cluster(tmp_path):
    """Two workers of each compute all shards but those that warm them."""
    found = json.loads(called(tmp_path, "scale.py", "--quick", "--json"))
    assert found["quick"] is True
    assert [row["contender"] for row in found["rows"]] == [
        "attack, processes",
        "attack, dask",
        "tiny, processes",
        "tiny, dask",
    ]
    assert all(row["workers"] == 2 and row["shards"] >= 6 for row in found["rows"])
    assert all(row["work_per_shard_s"] > 0 < row["shards_per_s"] for row in found["rows"])


def test_killed_runs_end_in_the_same_tables(tmp_path):
    """The run itself, then a worker of it, where there are workers that are processes."""
    lines = called(tmp_path, "kills.py", "--kills", "2", "--runners", "threads", "processes")
    threads, processes = map(json.loads, lines.splitlines())
    for row in (threads, processes):
        assert row["same_tables"] is True
        assert row["exit_code"] == 0
        assert sum(row["killed"].values()) == 2
        # A kill costs at most the copy of packaged data, which is no piece of work that is kept.
        assert row["reported_twice"] <= 2
    assert threads["killed"]["worker"] == 0


def test_runs_whose_cluster_or_server_is_killed_end_in_the_same_tables(tmp_path):
    """The scheduler of Dask, whose run ends and is started anew, then the server, whose run goes on."""
    options = ("--kills", "2", "--runners", "dask", "--targets", "head", "server")
    (row,) = map(json.loads, called(tmp_path, "kills.py", *options).splitlines())
    assert row["same_tables"] is True
    assert row["exit_code"] == 0
    assert row["killed"]["head"] >= 1
    assert sum(row["killed"].values()) == 2
    assert row["exit_codes_after_head"].keys() <= {"0", "2", "3"}
