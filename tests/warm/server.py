"""Run commands in forks of a process that has imported the large libraries once.

`python -S server.py SOCKET` listens there for what client.py sends; with `bare` behind it, nothing
is imported. A command gets a process of its own with its arguments, folder, environment, streams
and exit code. It gets SIGINT and SIGTERM that its client gets, and is killed, with all processes of
its group, when its client ends before it. Of Adversity nothing is imported before the fork: a
command reads every file of it anew.

What a command has that a real process has not, and no test may rely on:

- the seed of Python's hashes and the state of global generators of random numbers are those of
  every other fork: a test that compares bytes takes one side from a real process;
- the libraries are imported, what they say on import was said already, and their filters of
  warnings stand before those of PYTHONWARNINGS even if the command never imports them; `sysconfig`
  describes the environment of the tests, in another one too;
- `sys.flags` and `sys.orig_argv` are the server's: of all PYTHON... variables only PYTHONPATH,
  PYTHONWARNINGS and PYTHONDONTWRITEBYTECODE count;
- the umask, resource limits and priority are the server's, streams are UTF-8 whatever the locale;
- the process group is its own: other signals, and those for a whole group, do not reach it;
- tracebacks begin with lines of this file and of `runpy`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import site
import socket
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("torch", "torch._dynamo", "scipy.stats", "scipy.optimize", "scipy.ndimage"),
    *("sklearn.datasets", "sklearn.linear_model", "vl_convert", "PIL.Image"),
    *("pydantic", "pluggy", "click", "rich.live", "ruamel.yaml", "yaml"),
    *("dvc.repo", "dvc.cli.parser", "dvc.dvcfile", "dvc.stage.run"),
)
STANDARD = sys.path[1:]  # started with -S and without PYTHONPATH: the standard library
FILTERS = warnings.filters[:]


def main(path: str, libraries: tuple[str, ...]) -> str:
    """Wait for commands; in the fork of one, return the script that it is."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)  # who comes while libraries are imported waits
        _import(libraries)
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


def _import(libraries: tuple[str, ...]) -> None:
    site.main()
    for name in libraries:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
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
        code = _wait(child, connection)
        with suppress(OSError):
            connection.sendall(str(code).encode())
        os._exit(0)
    os.setpgid(0, 0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    return _become(request)


def _wait(child: int, connection: socket.socket) -> int:
    """Pass signals on to the command until it ends; kill it when nobody waits for it any more."""
    with suppress(OSError):  # it did so itself
        os.setpgid(child, child)

    def kill(*_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, kill)  # the end of the tests
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([ended, connection], [], [])
        if ended in ready:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if number := connection.recv(1):
            os.kill(child, number[0])
            continue
        kill()
        os._exit(0)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    length = int.from_bytes(size, "big")
    text = connection.recv(length, socket.MSG_WAITALL) if length else b""
    if len(text) < length or not length:
        os._exit(1)  # the client was killed, there is nobody to say it to
    return json.loads(text), streams


def _become(request: dict[str, Any]) -> str:
    """Set what Python sets when it starts."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    prefix, script = request["prefix"], request["arguments"][0]
    sys.argv = request["arguments"]
    if prefix != sys.prefix:
        sys.executable = str(Path(prefix, "bin", "python"))
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    given = os.environ.get("PYTHONPATH")
    sys.path[:] = [*(given.split(os.pathsep) if given else ()), *STANDARD]
    site.PREFIXES[:] = [sys.base_prefix, sys.base_exec_prefix]
    site.ENABLE_USER_SITE = None
    site.main()
    sys.path.insert(0, str(Path(script).parent))
    importlib.invalidate_caches()
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(
        io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8"
    )
    sys.stdout = sys.__stdout__ = _writer(1, "strict")
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace")
    _filter_warnings()
    return str(script)


def _filter_warnings() -> None:
    """Put PYTHONWARNINGS behind what libraries said on import, as if it had been there first."""
    options = os.environ.get("PYTHONWARNINGS", "").split(",")
    sys.warnoptions[:] = [option for option in options if option]
    of_libraries = warnings.filters[: -len(FILTERS)]
    warnings.filters[:] = FILTERS
    warnings._processoptions(sys.warnoptions)
    warnings.filters[:0] = of_libraries


def _writer(number: int, errors: str) -> io.TextIOWrapper:
    raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
    lines = number == 2 or os.isatty(number)
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=lines)


def _run(script: str) -> int:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        sys.stderr.write(f"{end.code}\n")
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
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
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    _end(_run(main(sys.argv[1], () if sys.argv[2:] == ["bare"] else LIBRARIES)))
