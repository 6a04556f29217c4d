"""A Dask cluster of real processes on loopback: the bytes of one machine, whoever dies."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

SHARDS = 2 * 64 // 8
BY = re.compile(r" · by (tcp://\S+) in ")
CLI = "distributed.cli.dask_"


def free_port():
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """A scheduler and workers, each a process; `hide` is a folder that a worker does not see."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.children = []
        self.scheduler = self.start("scheduler", "--port", str(self.port), "--no-dashboard")

    def start(self, role, *options, hide=None, code=None):
        command = [sys.executable, "-m", f"{CLI}{role}", "--host", "127.0.0.1", *options]
        if hide is not None:
            script = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "-rm", "sh", "-c", script, str(hide), *command]
        own = {"XDG_CACHE_HOME": str(self.folder / f"cache-{len(self.children)}")}
        child = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment | own | (code or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.children.append(child)
        return child

    def worker(self, port, **how):
        """Start a worker of one thread at a port of its own."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--worker-port", str(port))
        return self.start("worker", self.address, *options, **how)

    def end(self):
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()


@pytest.fixture
def cluster(tmp_path, clean_environment):
    """A scheduler without workers."""
    started = Cluster(tmp_path, clean_environment)
    yield started
    started.end()


@pytest.fixture(scope="module")
def edited(started):
    """The smoke pipeline with a longer attack in many shards, in which nothing ran yet."""
    project = started.copy("edited-for-dask")
    project.edit("seed: 0", "seed: 0\nrun: {shard_size: 8, workers: 2, images: 0}")
    project.edit("attack/fgsm", "attack/pgd")
    project.edit("{norm: linf, eps: $eps}", "{norm: linf, eps: $eps, steps: 10}")
    return project


@pytest.fixture(scope="module")
def by_threads(edited):
    """The same after a run whose workers are threads."""
    project = edited.copy("dask-by-threads")
    project.run()
    return project


def on_cluster(edited, address, to):
    """Return a copy whose shards are computed at an address."""
    project = edited.copy(str(to))
    project.edit("workers: 2", f'runner: dask, address: "{address}"')
    return project


def can_hide(folder):
    """Say whether this system lets a process have its own view of a folder."""
    script = 'mount -t tmpfs none "$0"'
    command = ["unshare", "-rm", "sh", "-c", script, str(folder)]
    return sys.platform == "linux" and subprocess.run(command, check=False).returncode == 0


def test_a_cluster_leaves_the_bytes_of_threads_though_a_worker_is_killed(
    edited, by_threads, cluster, tmp_path, program, clean_environment
):
    """One worker sees the project and is killed in the attack; the other gets files by content."""
    hidden = tmp_path / "projects"
    hidden.mkdir()
    if not can_hide(hidden):
        pytest.skip("this system gives no process a view of its own")
    project = on_cluster(edited, cluster.address, hidden / "by-dask")
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


def test_nobody_there_is_one_message_within_a_stated_time(edited, cluster, tmp_path):
    """No scheduler, then no worker: exit code 2 and a sentence, each in about ten seconds."""
    nobody = on_cluster(edited, f"tcp://127.0.0.1:{free_port()}", tmp_path / "nobody")
    lonely = on_cluster(edited, cluster.address, tmp_path / "lonely")
    for project, words in (
        (nobody, "expected a Dask scheduler, got no answer in 10 s; start one with"),
        (lonely, "expected workers at the Dask scheduler, got none in 10 s; start some with"),
    ):
        began = time.monotonic()
        answer = project.run("--force", "report", code=2)
        assert words in " ".join(answer.err.split())
        assert "Traceback" not in answer.err
        assert time.monotonic() - began < 60  # ten seconds, on a machine where others compute


def test_a_worker_with_other_code_computes_nothing(edited, cluster, tmp_path):
    """A worker whose engine is another is named with both fingerprints; exit code 2."""
    import shutil
    from pathlib import Path

    import adversity

    copied = tmp_path / "other"
    shutil.copytree(Path(adversity.__file__).parent, copied / "adversity")
    seeding = copied / "adversity" / "seeding.py"
    seeding.write_text(seeding.read_text("utf-8") + "\nOTHER = 1\n", "utf-8")
    cluster.worker(free_port(), code={"PYTHONPATH": str(copied)})
    project = on_cluster(edited, cluster.address, tmp_path / "project")
    answer = project.run(code=2)
    said = " ".join(answer.err.split())
    assert re.search(
        r"worker tcp://\S+: expected the code of this run, got another \(the engine is source \w+ "
        r"there and source \w+ here\); install the same versions there and restart it",
        said,
    ), said
    assert not list((project.root / ".adversity").rglob("*.parquet"))
