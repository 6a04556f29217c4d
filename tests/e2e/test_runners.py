"""Whoever computes the shards, the bytes are the same; and a worker that dies costs its shard."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess

import pytest

pytestmark = pytest.mark.slow

SHARDS = 2 * 64 // 8
BY = re.compile(r" · by \S+:(\d+) in ")


def attackers(lines):
    """Return the process that computed each shard of the attack."""
    found = (BY.search(line) for line in lines if line.startswith("   attacked"))
    return [match[1] for match in found if match]


def killed_once(project, program, environment):
    """Run through Prefect, kill a worker with -9 at the third shard of the attack; return lines."""
    with subprocess.Popen(
        [program("adversity"), "run", "pipelines/smoke.yaml", "-v"],
        cwd=project.root,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        lines = []
        for line in child.stderr:
            lines.append(line)
            attacked = attackers(lines)
            if len(attacked) == 3 and attackers([line]):
                os.kill(int(attacked[0]), signal.SIGKILL)
    assert child.returncode == 0, "".join(lines)
    return lines


def test_processes_leave_the_bytes_of_threads_though_one_is_killed(
    in_shards, by_threads, program, clean_environment
):
    """Two processes of which one is killed: same files and dvc.lock; a third one took over.

    Prefect shows each shard as a task, with who computed it.
    """
    project = in_shards.copy("by-processes")
    project.edit("workers: 2", "workers: 2, runner: processes")
    lines = killed_once(project, program, clean_environment)
    attacked = attackers(lines)
    assert len(attacked) == SHARDS
    assert len(set(attacked)) == 3
    assert any(re.match(r"     3 workers, \S+ shards/s: \S+:\d+ \d+, ", line) for line in lines)
    assert project.differences(by_threads) == []
    assert "up to date" in project.dvc("status").out
    with sqlite3.connect(project.root / ".adversity" / "prefect" / "prefect.db") as database:
        said = database.execute("select count(*) from task_run_state where message like 'by %'")
        assert said.fetchone()[0] >= SHARDS


def test_a_step_beyond_its_limit_is_ended_and_the_rest_is_kept(in_shards):
    """One message and exit code 3; with a higher limit the run goes on, with the same bytes."""
    project = in_shards.copy("limited")
    project.edit("images: 0}", "images: 0, limits: {attacked: {memory: 90MB}}}")
    answer = project.run(code=3)
    assert re.search(
        r"step attacked, .*MiB of memory, more than run\.limits\.attacked\.memory, 90MB", answer.err
    )
    assert "Traceback" not in answer.err
    assert {"data:digits", "net"} <= answer.ran.keys()
    project.edit("memory: 90MB", "memory: 8GiB, time: 30m")
    assert not {"data:digits", "net"} & project.run().ran.keys()
