"""A Dask cluster of real processes on loopback: the bytes of one machine, whoever dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from clusters import Cluster, can_hide, free_port

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

SHARDS = 2 * 64 // 8
BY = re.compile(r" · by (tcp://\S+) in ")


@pytest.fixture
def cluster(tmp_path, clean_environment):
    """A scheduler without workers."""
    started = Cluster(tmp_path, clean_environment)
    yield started
    started.end()


def on_cluster(in_shards, address, to):
    """Return a copy whose shards are computed at an address."""
    project = in_shards.copy(str(to))
    project.edit("workers: 2", f'runner: dask, address: "{address}"')
    return project


def test_a_cluster_leaves_the_bytes_of_threads_though_a_worker_is_killed(
    in_shards, by_threads, cluster, tmp_path, program, clean_environment
):
    """One worker sees the project and is killed in the attack; the other gets files by content."""
    hidden = tmp_path / "projects"
    hidden.mkdir()
    if not can_hide(hidden):
        pytest.skip("this system gives no process a view of its own")
    project = on_cluster(in_shards, cluster.address, hidden / "by-dask")
    near, far = free_port(), free_port()
    mortal = cluster.worker(near)
    cluster.worker(far, hide=hidden)
    with subprocess.Popen(
        [program("adversity"), "run", "pipelines/smoke.yaml", "--direct", "-v"],
        cwd=project.root,
        env=clean_environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        lines, by = [], []
        for line in child.stderr:
            lines.append(line)
            match = BY.search(line) if line.startswith("   attacked") else None
            by += [match[1]] if match else []
            if len(by) == 3:
                os.kill(mortal.pid, signal.SIGKILL)
    assert child.returncode == 0, "".join(lines)
    assert len(by) == SHARDS
    everyone = {BY.search(line)[1] for line in lines if BY.search(line)}
    assert everyone == {f"tcp://127.0.0.1:{near}", f"tcp://127.0.0.1:{far}"}
    assert by[-1] == f"tcp://127.0.0.1:{far}"
    assert project.differences(by_threads) == []
    assert not list((project.root / ".adversity" / "tmp").glob("run-*"))


def test_nobody_there_is_one_message_within_a_stated_time(in_shards, cluster, tmp_path):
    """No scheduler, then no worker: exit code 2 and a sentence, each in about ten seconds."""
    nobody = on_cluster(in_shards, f"tcp://127.0.0.1:{free_port()}", tmp_path / "nobody")
    lonely = on_cluster(in_shards, cluster.address, tmp_path / "lonely")
    for project, words in (
        (nobody, "expected a Dask scheduler, got no answer in 10 s; start one with"),
        (lonely, "expected workers at the Dask scheduler, got none in 10 s; start some with"),
    ):
        began = time.monotonic()
        answer = project.run("--force", "report", code=2)
        assert words in " ".join(answer.err.split())
        assert "Traceback" not in answer.err
        assert time.monotonic() - began < 60  # ten seconds, on a machine where others compute


def test_a_worker_with_other_code_computes_nothing(in_shards, cluster, tmp_path):
    """A worker whose engine is another is named with both fingerprints; exit code 2."""
    import shutil
    from pathlib import Path

    import adversity

    copied = tmp_path / "other"
    shutil.copytree(Path(adversity.__file__).parent, copied / "adversity")
    seeding = copied / "adversity" / "seeding.py"
    seeding.write_text(seeding.read_text("utf-8") + "\nOTHER = 1\n", "utf-8")
    cluster.worker(free_port(), code={"PYTHONPATH": str(copied)})
    project = on_cluster(in_shards, cluster.address, tmp_path / "project")
    answer = project.run(code=2)
    said = " ".join(answer.err.split())
    assert re.search(
        r"worker tcp://\S+: expected the code of this run, got another \(the engine is source \w+ "
        r"there and source \w+ here\); install the same versions there and restart it",
        said,
    ), said
    assert not list((project.root / ".adversity").rglob("*.parquet"))
