"""Run commands in forks of a process that has imported the large libraries once.

`python -S server.py SOCKET` listens there for what client.py sends. A command gets a process of its
own with its arguments, folder, environment, streams and exit code. Of Adversity nothing is
imported before the fork: a command reads every file of it anew. What a fork shares with other
commands is the seed of Python's hashes and the state of global generators of random numbers, so a
test that compares bytes takes one side from a real process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import runpy
import signal
import site
import socket
import sys
import sysconfig
import threading
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("torch", "torch._dynamo", "scipy.stats", "scipy.optimize", "scipy.ndimage"),
    *("sklearn.datasets", "sklearn.linear_model", "altair", "vl_convert", "PIL.Image"),
    *("pydantic", "pluggy", "click", "rich.live", "ruamel.yaml", "yaml"),
    *("dvc.repo", "dvc.cli.parser", "dvc.dvcfile", "dvc.stage.run"),
)
STANDARD = sys.path[1:]  # started with -S: without any site-packages


def main(path: str) -> str:
    """Wait for commands; in the fork of one, return the script that it is."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)  # who comes while libraries are imported waits
        _import_libraries()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        listener.settimeout(5)
        parent = os.getppid()
        while True:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                if os.getppid() != parent:
                    sys.exit("the tests are gone")
                continue
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return _command(connection)


def _import_libraries() -> None:
    site.main()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LIBRARIES:
            with suppress(ModuleNotFoundError):
                importlib.import_module(name)
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.is_dir() else 1
    if threads > 1:
        sys.exit(f"expected one thread to fork, got {threads}: one of LIBRARIES starts its own")
    gc.freeze()


def _command(connection: socket.socket) -> str:
    """Wait for the end of the command and say its exit code; in its own process, begin it."""
    request, streams = _receive(connection)
    child = os.fork()
    if child:
        for stream in streams:
            os.close(stream)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with suppress(OSError):
            connection.sendall(str(code).encode())
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    return _become(request)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    text, streams, _, _ = socket.recv_fds(connection, 2**16, 3)
    while not text.endswith(b"\n"):
        text += connection.recv(2**16)
    return json.loads(text), streams


def _become(request: dict[str, Any]) -> str:
    """Set what Python sets when it starts."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    prefix, script = request["prefix"], request["arguments"][0]
    sys.argv = request["arguments"]
    if prefix != sys.prefix:
        sys.prefix = sys.exec_prefix = prefix
        sys.executable = str(Path(prefix, "bin", "python"))
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    given = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[:] = [str(Path(script).parent), *given, *STANDARD]
    site.addsitedir(sysconfig.get_path("purelib", vars={"base": prefix}))
    importlib.invalidate_caches()
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(
        io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8"
    )
    sys.stdout = sys.__stdout__ = _writer(1, "strict")
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace")
    return str(script)


def _writer(number: int, errors: str) -> io.TextIOWrapper:
    raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
    lines = number == 2 or os.isatty(number)
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=lines)


def _run(script: str) -> int:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001  (as Python does at its end)
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> None:
    """End without taking apart what was imported, which costs more than most commands."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(_run(main(sys.argv[1])))
