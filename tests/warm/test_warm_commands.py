"""A command in a fork of tests/warm/server.py sees and leaves what it would in a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

TELL = """
import json, os, sys
ours = sorted(name for name in sys.modules if name.partition(".")[0].startswith("adversity"))
seen = [sys.argv, os.getcwd(), dict(os.environ), sys.path[:2], sys.prefix, ours, input()]
print(json.dumps(seen), flush=True)
print("a word", file=sys.stderr)
if sys.argv[1:] == ["kill"]:
    os.kill(os.getpid(), 9)
if sys.argv[1:] == ["raise"]:
    raise ValueError("a bug")
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def tell(put_warm: Callable[..., None], tmp_path: Path) -> Callable[..., Any]:
    """Return a function that calls the command with one argument, from a folder of its own."""
    script, commands, here = (tmp_path / name for name in ("real", "commands", "here"))
    for folder in (script, commands, here):
        folder.mkdir()
    (script / "tell").write_text(TELL)
    put_warm(commands, script / "tell")

    def call(argument: str) -> Any:
        return subprocess.run(
            [commands / "tell", argument],
            cwd=here,
            env={"ONLY": "this", "PYTHONPATH": "/some/where"},
            input="a line\n",
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.mark.parametrize("code", [0, 3])
def test_it_sees_what_a_process_sees(tell: Callable[..., Any], tmp_path: Path, code: int) -> None:
    """Arguments, folder, environment, first paths, prefix, input; nothing of ours was imported."""
    done = tell(str(code))
    arguments, folder, environment, paths, prefix, ours, line = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (code, "a word\n")
    assert arguments == [str(tmp_path / "real/tell"), str(code)]
    assert Path(folder) == tmp_path / "here"
    assert environment.items() >= {"ONLY": "this", "PYTHONPATH": "/some/where"}.items()
    assert environment.keys() <= {"ONLY", "PYTHONPATH", "LC_CTYPE", "PWD"}
    assert paths == [str(tmp_path / "real"), "/some/where"]
    assert (prefix, ours, line) == (sys.prefix, [], "a line")


def test_it_ends_as_a_process_ends(tell: Callable[..., Any]) -> None:
    """Killed, it is killed for who waits; what it raises is a traceback and exit code 1."""
    assert tell("kill").returncode == -signal.SIGKILL
    done = tell("raise")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: a bug"
    assert os.fspath("tell") in done.stderr
