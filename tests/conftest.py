"""What holds for every test: one thread, no colour, no network of ours, a clear first error."""

from __future__ import annotations

import gc
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    PutWarm = Callable[..., None]

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Up to half a gibibyte that was freed stays with the process (glibc): a network's large tensors are
# made anew in each call, and what the kernel then clears was measured to be two fifths of its time.
# Workers of `-n` and child processes start with it.
os.environ.setdefault("MALLOC_MMAP_MAX_", "0")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**29))
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

try:
    import adversity  # noqa: F401
except ModuleNotFoundError:
    pytest.exit("adversity is not installed here: run `make test`, or `pip install -e .[demo,dev]`")


pytest_plugins = ["adversity.testing.kit.pytest_lock", "groups", "suite_lock"]


# A shell that starts the tests in the background has Ctrl-C ignored, and nohup a hangup, in their
# children too; the tests of interrupts need both as a terminal gives them.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Results are the same bytes only with one thread, and two busy cores are faster so."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def undrawn_charts() -> Iterator[None]:
    """Draw no chart of a report, which is most of a small run; tests/report tries that.

    What would be drawn is in its place as a checksum, so that reports differ where charts would.
    """

    def undrawn(spec: str, *_where: object) -> str:
        digest = hashlib.sha256(spec.encode()).hexdigest()
        return f'<svg xmlns="http://www.w3.org/2000/svg"><desc>{digest}</desc></svg>'

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adversity.report.charts.chart_style._drawn", undrawn)
        yield


def put_real(folder: Path, script: Path, prefix: Path | str = sys.prefix) -> None:
    """Put a command into a folder that runs a script in the environment of `prefix`."""
    python = sys.executable if str(prefix) == sys.prefix else Path(prefix, "bin/python")
    line = shlex.join(["exec", str(python), str(script)])
    _write_command(folder / script.name, f'#!/bin/sh\n{line} "$@"\n')


def _write_command(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@contextmanager
def warm_server(*options: str) -> Iterator[PutWarm]:
    """Give a function like `put_real` whose commands are forks, as tests/warm/server.py says.

    Elsewhere than on Linux they are real processes: libraries of macOS do not survive a fork.
    """
    if sys.platform != "linux":
        yield put_real
        return
    here = Path(__file__).parent / "warm"
    client = (here / "client.py").read_text(encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # A socket's path has at most 107 bytes, pytest's folders are longer.
    with tempfile.TemporaryDirectory(prefix="warm") as home, Path(home, "log").open("wb") as log:
        path = Path(home, "socket")
        with subprocess.Popen(
            [sys.executable, "-S", str(here / "server.py"), str(path), *options],
            env={**kept, "OMP_NUM_THREADS": "1"},  # threads do not survive a fork
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as server:

            def check() -> None:
                if server.poll() is not None:
                    said = Path(log.name).read_text(encoding="utf-8")
                    pytest.fail(f"tests/warm/server.py ended before the tests; it said\n{said}")

            def put(folder: Path, script: Path, prefix: Path | str = sys.prefix) -> None:
                while not path.exists():
                    check()
                    time.sleep(0.01)
                check()
                values = {"SOCKET": path, "LOG": log.name, "SCRIPT": script, "PREFIX": prefix}
                lines = "".join(f"{name} = {str(value)!r}\n" for name, value in values.items())
                _write_command(folder / script.name, f"#!{sys.executable} -IS\n{lines}{client}")

            try:
                yield put
                check()
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGTERM)


@pytest.fixture(scope="session", name="warm_server")
def server_of_commands() -> Callable[..., Any]:
    """Return the function that starts one, for tests of it."""
    return warm_server


@pytest.fixture(scope="session")
def put_warm() -> Iterator[PutWarm]:
    """Return a function that puts commands into a folder whose imports are done already."""
    with warm_server() as put:
        yield put


@pytest.fixture(scope="session")
def warm_commands(put_warm: PutWarm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the front of PATH, with `adversity` and `dvc` of this environment."""
    folder = tmp_path_factory.mktemp("commands")
    for name in ("adversity", "dvc"):
        put_warm(folder, Path(sys.executable).with_name(name))
    return folder


@pytest.fixture(scope="session")
def put_program(
    tmp_path_factory: pytest.TempPathFactory, put_warm: PutWarm
) -> Callable[[str, str], str]:
    """Return a function that makes a program of a name and a text; its imports are done already."""

    def put(name: str, text: str) -> str:
        folder = tmp_path_factory.mktemp("program")
        script = folder / "source" / name
        script.parent.mkdir()
        script.write_text(text, encoding="utf-8")
        put_warm(folder, script)
        return str(folder / name)

    return put


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, and later not among what was.

    It stays, half a million objects: looking through them took a fifth of collection.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
