"""A Dask cluster of real processes on loopback, for tests."""

from __future__ import annotations

import socket
import subprocess
import sys

CLI = "distributed.cli.dask_"


def free_port():
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def can_hide(folder):
    """Say whether this system lets a process have its own view of a folder."""
    script = 'mount -t tmpfs none "$0"'
    command = ["unshare", "-rm", "sh", "-c", script, str(folder)]
    return sys.platform == "linux" and subprocess.run(command, check=False).returncode == 0


class Cluster:
    """A scheduler and workers, each a process; `hide` is a folder that a worker does not see."""

    def __init__(self, folder, environment, *, protocol="tcp"):
        self.folder, self.environment, self.protocol = folder, environment, protocol
        self.port = free_port()
        self.address = f"{protocol}://127.0.0.1:{self.port}"
        self.children = []
        self.begin()

    def begin(self):
        """Start the scheduler, or another one in the place of one that ended."""
        self.scheduler = self.start("scheduler", "--port", str(self.port), "--no-dashboard")

    def start(self, role, *options, hide=None, code=None):
        """Start a process of Dask, with a cache of its own."""
        command = [sys.executable, "-m", f"{CLI}{role}", "--host", "127.0.0.1"]
        command += ["--protocol", self.protocol, *options]
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

    def worker(self, port, *options, **how):
        """Start a worker of one thread at a port of its own."""
        here = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--worker-port", str(port))
        return self.start("worker", self.address, *here, *options, **how)

    def end(self):
        """End all of it."""
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()
