"""A command in a fork of tests/warm/server.py sees and leaves what it would in a real process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TELL = """
import json, os, signal, subprocess, sys, time, warnings

flags = {name: getattr(sys.flags, name) for name in dir(sys.flags) if name[0].islower()}
ours = sorted(name for name in sys.modules if name.partition(".")[0].startswith("adversity"))
if sys.argv[1] == "facts":
    print(json.dumps({
        "arguments": sys.argv,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "paths": sys.path,
        "prefixes": [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix],
        "python": sys.executable,
        "main": [__name__, __file__, sys.modules["__main__"].__file__],
        "writes bytecode": not sys.dont_write_bytecode,
        "flags": {name: value for name, value in flags.items() if not callable(value)},
        "options of warnings": sys.warnoptions,
        "filters": [[str(part) for part in line] for line in warnings.filters],
        "signals": [str(signal.getsignal(number)) for number in range(1, 32)],
        "open files": sorted(os.listdir("/proc/self/fd"))[:-1],
        "streams": [[stream.encoding, stream.line_buffering] for stream in
                    (sys.stdin, sys.stdout, sys.stderr)],
        "input": input(),
        "ours": ours,
    }))
elif sys.argv[1] == "end":
    print("a line")
    print("a word", file=sys.stderr)
    warnings.warn("a warning")
    how = sys.argv[2]
    if how == "kill":
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
    if how == "raise":
        raise ValueError("a bug")
    sys.exit(int(how) if how.lstrip("-").isdigit() else how)
else:
    if sys.argv[1] == "start":
        subprocess.Popen(["sleep", "600"])
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("down", flush=True)
"""
ENVIRONMENT = {
    "ONLY": "this",
    "LC_ALL": "C.UTF-8",
    "PYTHONPATH": f"/some/where{os.pathsep}there{os.pathsep}",
    "PYTHONWARNINGS": "ignore::FutureWarning,always::UserWarning",
}


class Tell:
    """The script as a real process and as a fork."""

    def __init__(self, folder: Path) -> None:
        """Write the script."""
        self.script, self.commands = folder / "real" / "tell", folder / "commands"
        self.folder = folder / "here"
        for path in (self.script.parent, self.commands, self.folder):
            path.mkdir()
        self.script.write_text(TELL)

    @property
    def real(self) -> list[str]:
        """The command of a real process."""
        return [sys.executable, str(self.script)]

    @property
    def fork(self) -> list[str]:
        """The command of a fork, once it was put there."""
        return [str(self.commands / "tell")]

    @contextmanager
    def begin(self, command: list[str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start one of the two, for as long as the caller looks at it."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*command, *arguments],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def call(self, command: list[str], *arguments: str) -> tuple[int, str, str]:
        """Return what one of the two leaves: exit code, output, error output."""
        with self.begin(command, *arguments) as process:
            output, said = process.communicate("a line\n", timeout=60)
        return process.returncode, output, said


def path_of_socket(tell: Tell) -> str:
    """Return where the server of its fork listens."""
    return re.findall(r"^SOCKET = '(.*)'$", Path(*tell.fork).read_text(), re.MULTILINE)[0]


@pytest.fixture(scope="module")
def put_bare(warm_server: Any) -> Iterator[Any]:
    """Return `put_warm` of a server that imports no libraries."""
    with warm_server("bare") as put:
        yield put


@pytest.fixture(params=["bare", pytest.param("warm", marks=pytest.mark.slow)])
def libraries(request: pytest.FixtureRequest) -> str:
    """Whether the large libraries were imported before the fork."""
    return request.param


@pytest.fixture
def tell(request: pytest.FixtureRequest, libraries: str, tmp_path: Path) -> Tell:
    """The script in a folder of its own, its fork from one of the servers."""
    script = Tell(tmp_path)
    request.getfixturevalue(f"put_{libraries}")(script.commands, script.script)
    return script


def test_it_sees_what_a_process_sees(tell: Tell, libraries: str) -> None:
    """Paths, prefixes, flags, filters, signals, files...: equal, but for what the server names."""
    (code, real, _), (fork_code, fork, said) = (
        tell.call(command, "facts", "more", "-x") for command in (tell.real, tell.fork)
    )
    assert (code, fork_code) == (0, 0), said
    expected, facts = json.loads(real), json.loads(fork)
    assert expected["paths"][:3] == [
        str(tell.script.parent),
        "/some/where",
        str(tell.folder / "there"),
    ]
    assert expected["flags"].pop("no_site") == 0
    assert facts["flags"].pop("no_site") == 1
    if libraries == "warm":
        filters = facts.pop("filters")
        assert filters[-len(expected["filters"]) :] == expected.pop("filters")
    assert facts == expected
    assert facts["ours"] == []


@pytest.mark.parametrize("how", ["0", "3", "-1", "a sentence", "raise", "kill"])
def test_it_ends_as_a_process_ends(put_bare: Any, tmp_path: Path, how: str) -> None:
    """Exit code, output and, but for the first lines of a traceback, error output are equal."""
    tell = Tell(tmp_path)
    put_bare(tell.commands, tell.script)
    expected, ended = (tell.call(command, "end", how) for command in (tell.real, tell.fork))
    assert ended[:2] == expected[:2]
    of_server = r'  File "[^"]*(server\.py|<frozen runpy>)", line .*\n(    .*\n)*'
    assert re.sub(of_server, "", ended[2]) == expected[2]


@pytest.mark.parametrize(("number", "left"), [(signal.SIGINT, "down\n"), (signal.SIGTERM, "")])
def test_signals_reach_it(put_bare: Any, tmp_path: Path, number: int, left: str) -> None:
    """What its client gets ends it as it ends a real process, with what this does at its end."""
    tell = Tell(tmp_path)
    put_bare(tell.commands, tell.script)
    for command in (tell.real, tell.fork):
        with tell.begin(command, "wait") as process:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            output, said = process.communicate(timeout=20)
        assert (process.returncode, output) == (-number, left)
        assert said.endswith("KeyboardInterrupt\n") == (number == signal.SIGINT)


def test_nothing_outlives_a_client_that_is_killed(put_bare: Any, tmp_path: Path) -> None:
    """Its output ends, which the command and a process that this started hold open."""
    tell = Tell(tmp_path)
    put_bare(tell.commands, tell.script)
    with tell.begin(tell.fork, "start") as client:
        assert client.stdout.readline() == "ready\n"
        client.kill()
        assert client.communicate(timeout=20) == ("", "")


def test_half_a_request_is_dropped(put_bare: Any, tmp_path: Path) -> None:
    """A client that ends before all its text was sent leaves no process that waits for the rest."""
    tell = Tell(tmp_path)
    put_bare(tell.commands, tell.script)
    for text in (b"", (100).to_bytes(8, "big") + b"{"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(path_of_socket(tell))
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""


def test_a_server_that_does_not_start_is_an_error(
    warm_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts a command there reads what the server said."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    tell = Tell(tmp_path)
    said = r"(?s)server\.py ended before the tests; it said\n.*path too long"
    with pytest.raises(pytest.fail.Exception, match=said), warm_server("bare") as put:
        put(tell.commands, tell.script)


def test_a_server_that_ends_too_early_is_an_error(warm_server: Any, tmp_path: Path) -> None:
    """A command says so and ends with 1; who puts another there, and the last test, fail."""
    tell = Tell(tmp_path)
    said = "server.py ended before the tests"
    server = warm_server("bare")
    put = server.__enter__()
    put(tell.commands, tell.script)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path_of_socket(tell))
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    process = psutil.Process(int.from_bytes(peer[:4], sys.byteorder))
    process.kill()
    while process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    code, output, error = tell.call(tell.fork, "end", "0")
    assert (code, output) == (1, "")
    assert error.startswith("expected an exit code from tests/warm/server.py, got none")
    with pytest.raises(pytest.fail.Exception, match=said):
        put(tell.commands, tell.script)
    with pytest.raises(pytest.fail.Exception, match=said):
        server.__exit__(None, None, None)


def test_elsewhere_commands_are_real_processes(
    warm_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on Linux, what is put there begins the program itself, with its arguments as they are."""
    monkeypatch.setattr(sys, "platform", "darwin")
    tell = Tell(tmp_path)
    with warm_server() as put:
        put(tell.commands, tell.script)
    real, elsewhere = (
        json.loads(tell.call(command, "facts", "a b", "$x")[1])
        for command in (tell.real, tell.fork)
    )
    assert elsewhere["arguments"][1:] == ["facts", "a b", "$x"]
    real["environment"].pop("PWD", None)
    elsewhere["environment"].pop("PWD", None)  # the shell's
    assert elsewhere == real
