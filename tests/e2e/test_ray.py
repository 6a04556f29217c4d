"""A Ray cluster of real processes on this machine: the bytes of one machine, whoever dies.

Ray is not among what tests install; docs/scale.md says how to run these in an environment with it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from clusters import can_hide, free_port

pytest.importorskip("ray", reason="Ray is not installed: pip install 'adversity[ray]'")
pytestmark = pytest.mark.slow

SHARDS = 2 * 64 // 8
BY = re.compile(r" · by (\S+:\d+) in ")


class Nodes:
    """A head and, if wanted, further nodes, each of one processor; only who has the token is heard."""

    def __init__(self, environment):
        self.folder = Path(tempfile.mkdtemp(prefix="ray"))  # a socket's path has 107 bytes at most
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
        self.environment = environment | token | {"RAY_USAGE_STATS_ENABLED": "0"}
        self.gcs, client = free_port(), free_port()
        self.address = f"ray://127.0.0.1:{client}"
        self.started = []
        options = (f"--ray-client-server-port={client}", f"--temp-dir={self.folder}")
        head = ("--head", f"--port={self.gcs}", "--include-dashboard=false", *options)
        self.head = self.start(*head, "--node-ip-address=127.0.0.1")
        self.wait_for(client)

    def start(self, *options, hide=None):
        """Start a node; `hide` is a folder that it does not see."""
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus=1"]
        command += ["--disable-usage-stats", "--object-store-memory=100000000"]
        command += ["--min-worker-port=0", "--max-worker-port=0", *options]
        if hide is not None:
            script = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "-rm", "sh", "-c", script, str(hide), *command]
        cache = {"XDG_CACHE_HOME": str(self.folder / f"cache-{len(self.started)}")}
        with (self.folder / f"node-{len(self.started)}.txt").open("wb") as said:
            child = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment | cache,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.started.append(child)
        return child

    def join(self, **how):
        """Start a further node and wait until the cluster counts it."""
        self.start(f"--address=127.0.0.1:{self.gcs}", **how)
        log = self.folder / f"node-{len(self.started) - 1}.txt"
        for _ in range(600):
            if "Ray runtime started" in log.read_text("utf-8", "replace"):
                return
            time.sleep(0.2)
        pytest.fail(log.read_text("utf-8", "replace"))

    def wait_for(self, port):
        for _ in range(600):
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.2)
        pytest.fail((self.folder / "node-0.txt").read_text("utf-8", "replace"))

    def kill(self, node):
        """End all processes of a node, as its machine would."""
        there = [psutil.Process(node.pid)] if node.poll() is None else []
        for process in [*there, *(more for one in there for more in one.children(recursive=True))]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        node.wait()

    def end(self):
        for node in reversed(self.started):
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def nodes(clean_environment):
    """A head that computes, too."""
    started = Nodes(clean_environment)
    yield started
    started.end()


def watched(project, nodes, program, at_third):
    """Run, call `at_third` with the worker of the third shard of the attack; return code, lines."""
    with subprocess.Popen(
        [program("adversity"), "run", "pipelines/smoke.yaml", "--direct", "-v"],
        cwd=project.root,
        env=nodes.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        lines, seen = [], 0
        for line in child.stderr:
            lines.append(line)
            match = BY.search(line) if line.startswith("   attacked") else None
            seen += match is not None
            if match and seen == 3:
                at_third(match[1])
    return child.returncode, lines


def test_a_cluster_leaves_the_bytes_of_threads_though_a_worker_is_killed(
    in_shards, by_threads, nodes, tmp_path, program
):
    """One node sees the project, the other gets files by content; a worker is killed in the attack."""
    hidden = tmp_path / "projects"
    hidden.mkdir()
    if not can_hide(hidden):
        pytest.skip("this system gives no process a view of its own")
    nodes.join(hide=hidden)
    project = in_shards.copy(str(hidden / "by-ray"))
    project.edit("workers: 2", f'runner: ray, address: "{nodes.address}"')
    killed = []

    def kill(worker):
        killed.append(worker)
        os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)

    code, lines = watched(project, nodes, program, kill)
    assert code == 0, "".join(lines)
    by = [BY.search(line)[1] for line in lines if line.startswith("   attacked")]
    assert len(by) == SHARDS
    assert by[-1] not in killed
    assert len(set(by)) >= 2
    assert (nodes.folder / "cache-1" / "adversity" / "worker" / "blobs").is_dir()
    assert project.differences(by_threads) == []
    assert not list((project.root / ".adversity" / "tmp").glob("run-*"))


def test_a_head_that_ends_is_one_message_and_the_next_run_heals(
    in_shards, by_threads, nodes, tmp_path, program
):
    """Exit code 3; what was finished is kept, and with another runner the rest is made."""
    project = in_shards.copy(str(tmp_path / "headless"))
    project.edit("workers: 2", f'runner: ray, address: "{nodes.address}"')
    code, lines = watched(project, nodes, program, lambda _: nodes.kill(nodes.head))
    said = "".join(lines)
    assert code == 3, said
    assert f"the Ray cluster at {nodes.address} is gone; finished shards are kept" in " ".join(
        said.split()
    )
    assert "Traceback" not in said
    project.edit(f'runner: ray, address: "{nodes.address}"', "workers: 2")
    answer = project.run("-v")
    again = [line for line in answer.err.splitlines() if line.startswith("   attacked")]
    assert 0 < len(again) <= SHARDS - 3
    assert project.differences(by_threads) == []


def test_nobody_at_the_address_is_one_message(in_shards, tmp_path):
    """Exit code 2 and a sentence, without a wait for Ray's own minute."""
    project = in_shards.copy(str(tmp_path / "nobody"))
    project.edit("workers: 2", f'runner: ray, address: "ray://127.0.0.1:{free_port()}"')
    answer = project.run(code=2)
    assert "expected a Ray cluster, got no answer in 10 s; start one with" in " ".join(
        answer.err.split()
    )
    assert "Traceback" not in answer.err
