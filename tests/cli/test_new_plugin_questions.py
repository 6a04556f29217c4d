"""`adversity new-plugin`: what it asks a person at a terminal, and tells a script instead."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from adversity.contracts import KINDS

if TYPE_CHECKING:
    from pathlib import Path

SILENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
"""An environment in which git knows nobody."""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected KIND and NAME and --author, got none, and there is no terminal to ask on"),
        (["attack"], "expected NAME and --author"),
        (["attack", "dew"], "expected --author, got none"),
        (["--yes"], "expected KIND and NAME and --author, got none, and with --yes nothing is"),
        (["attack", "--yes"], "expected --author, got none"),
    ],
)
def test_without_a_terminal_all_that_is_missing_is_said_at_once(
    call, refused, tmp_path, monkeypatch, arguments, said
):
    """A script gets one error instead of a question that nobody answers."""
    for name, value in SILENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    refused(call("new-plugin", *arguments), said)
    assert list(tmp_path.iterdir()) == []


class Terminal:
    """A person at a terminal: a child process on a pseudo-terminal of its own."""

    def __init__(self, *arguments: str, folder: Path) -> None:
        """Start `adversity` with these arguments."""
        # The first terminal that a session's leader opens is the one whose Ctrl-C it gets. A shell
        # starts what it puts behind with Ctrl-C ignored, and children inherit that: a person's
        # terminal does not.
        source = (
            "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "os.open(os.ttyname(0), os.O_RDWR); "
            "from adversity_flows.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        self.side, theirs = os.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-c", source, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**os.environ, **SILENT, "NO_COLOR": "1", "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""
        self.again = b""

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and type."""
        self._read(until=lambda: self.seen.rpartition("\n")[2].startswith(question))
        os.write(self.side, text.encode())
        self.seen += "\n"

    def interrupt(self, question: str) -> None:
        """Wait for a question and press Ctrl-C until it is heard.

        Python does not hear one that comes between the question and the start of its reading.
        """
        self.answer(question, "\x03")
        self.again = b"\x03"

    def end(self) -> int:
        """Read what is left and return the exit code."""
        self._read(until=lambda: False)
        os.close(self.side)
        return self.child.wait(60)

    def _read(self, until) -> None:
        silent = 0
        while not until():
            if not select.select([self.side], [], [], 5)[0]:
                silent += 5
                # Long enough for a busy machine; a question that never comes must not hang the run.
                if silent == 60:
                    self.child.kill()
                    self.end()
                    pytest.fail(f"no further output within 60 s after:\n{self.seen}")
                os.write(self.side, self.again)
                continue
            try:
                data = os.read(self.side, 4096)
            except OSError:  # the other side has gone
                return
            if not data:
                return
            self.seen += data.decode().replace("\r\n", "\n")


def test_at_a_terminal_it_asks_for_what_is_missing(tmp_path):
    """Wrong answers are refused at once and asked again, Enter takes what is proposed."""
    person = Terminal("new-plugin", "--email", "a@example.org", folder=tmp_path)
    person.answer("kind:", "attak\n")
    person.answer("kind:", "attack\n")
    person.answer("name in pipelines [basic_iterative]:", "Dew\n")
    person.answer("name in pipelines [basic_iterative]:", "dew\n")
    person.answer("author:", "A. Author\n")
    person.answer("licence [MIT]:", "BSD-3-Clause\n")
    person.answer("distribution [dew-adversity]:", "\n")
    person.answer("folder [dew-adversity]:", "mine\n")
    assert person.end() == 0, person.seen
    assert "did you mean attack?" in person.seen
    assert "did you mean dew?" in person.seen
    for kind in KINDS:
        assert re.search(rf"^  {kind} +[a-z ]+$", person.seen, re.MULTILINE)
    project = tomllib.loads((tmp_path / "mine" / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": "A. Author", "email": "a@example.org"}]
    assert project["license"] == "BSD-3-Clause"


def test_the_shape_of_a_metric_is_asked_for(tmp_path):
    """Each is explained; what is proposed for its name is what its template computes."""
    person = Terminal("new-plugin", "metric", "--author", "A", folder=tmp_path)
    person.answer("shape [table]:", "cells\n")
    person.answer("name in pipelines [worst_cell_accuracy]:", "\n")
    for question in ("e-mail", "licence", "distribution", "folder"):
        person.answer(question, "\n")
    assert person.end() == 0, person.seen
    assert "  two-tables   compares the tables of two steps" in person.seen
    made = tmp_path / "worst-cell-accuracy-adversity/src/worst_cell_accuracy_adversity"
    assert "(CellMetric):" in (made / "worst_cell_accuracy.py").read_text()


def test_a_wrong_argument_is_refused_before_the_first_question(tmp_path):
    """Nobody answers six questions to learn that the seventh was wrong from the start."""
    person = Terminal("new-plugin", "--licence", "GPL-9", folder=tmp_path)
    assert person.end() == 2
    assert "licence: there are texts for MIT, " in person.seen
    assert "kind:" not in person.seen


def test_ctrl_c_at_a_question_writes_nothing(tmp_path):
    """One line says so, without a traceback, and the exit code is that of an interrupt."""
    person = Terminal("new-plugin", "attack", "dew", folder=tmp_path)
    person.interrupt("author:")
    assert person.end() == 130
    assert "interrupted: nothing was written" in person.seen
    assert "Traceback" not in person.seen
    assert list(tmp_path.iterdir()) == []
