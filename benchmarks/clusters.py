"""Clusters of Dask and of Ray on this machine whose processes can be killed and are replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 120


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when somebody listens at a port of this machine."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as there:
            if there.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nobody listens at port {port} after {START_SECONDS} s")


class DaskProcesses:
    """A scheduler and so many workers of one thread, each a process."""

    def __init__(self, folder: Path, workers: int) -> None:
        """Start nothing yet."""
        self._folder, self._count, self._port = folder, workers, free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []

    def tend(self) -> None:
        """Start what is not there, or no more."""
        if self._scheduler is None or self._scheduler.poll() is not None:
            self._scheduler = self._started("scheduler", "--port", str(self._port))
            wait_for(self._port)
        self._workers = [child for child in self._workers if child.poll() is None]
        for _ in range(self._count - len(self._workers)):
            more = ("--nthreads", "1", "--no-nanny")
            self._workers.append(self._started("worker", self.address, *more))

    def workers(self) -> list[int]:
        """Return the processes that compute."""
        return [child.pid for child in self._workers if child.poll() is None]

    def kill_head(self) -> None:
        """End the scheduler with signal 9, and its workers, which have no other."""
        self.end()

    def end(self) -> None:
        """End all."""
        for child in (self._scheduler, *self._workers):
            if child is not None:
                child.kill()
                child.wait()

    def _started(self, role: str, *more: str) -> subprocess.Popen[bytes]:
        call = [sys.executable, "-m", f"distributed.cli.dask_{role}", "--host", "127.0.0.1"]
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([*call, "--no-dashboard", *more], cwd=self._folder, **quiet)


class RayProcesses:
    """A head with so many processors; Ray replaces its workers by itself."""

    def __init__(self, folder: Path, workers: int) -> None:
        """Start nothing yet."""
        del folder  # the path of a socket has 107 bytes at most
        self._folder = tempfile.mkdtemp(prefix="ray")
        self._count, self._port = workers, free_port()
        self.address = f"ray://127.0.0.1:{self._port}"
        self._head: subprocess.Popen[bytes] | None = None

    def tend(self) -> None:
        """Start the head, if it is not there, or no more."""
        if self._head is not None and self._head.poll() is None:
            return
        call = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
        call += ["--disable-usage-stats", "--include-dashboard=false", f"--num-cpus={self._count}"]
        call += ["--node-ip-address=127.0.0.1", f"--port={free_port()}"]
        call += [f"--ray-client-server-port={self._port}", f"--temp-dir={self._folder}"]
        call += ["--min-worker-port=0", "--max-worker-port=0", "--object-store-memory=100000000"]
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._head = subprocess.Popen(call, cwd=self._folder, **quiet)
        wait_for(self._port)

    def workers(self) -> list[int]:
        """Return the processes that compute."""
        return [one.pid for one in self._all() if _title(one).startswith("ray::_compute_there")]

    def kill_head(self) -> None:
        """End the head with all its processes, as its machine would."""
        self.end()

    def end(self) -> None:
        """End all."""
        for process in self._all():
            with suppress(psutil.Error):
                process.kill()
        if self._head is not None:
            self._head.wait()

    def _all(self) -> list[psutil.Process]:
        if self._head is None or self._head.poll() is not None:
            return []
        head = psutil.Process(self._head.pid)
        return [head, *head.children(recursive=True)]


CLUSTERS = {"dask": DaskProcesses, "ray": RayProcesses}


@contextmanager
def cluster(
    folder: Path, workers: int, runner: str = "dask"
) -> Iterator[DaskProcesses | RayProcesses]:
    """Lend a cluster on this machine; no process of it stays, also at SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    lent = CLUSTERS[runner](folder, workers)
    try:
        lent.tend()
        time.sleep(10)
        yield lent
    finally:
        lent.end()


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
