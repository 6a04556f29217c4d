"""Every way to end badly has one message and one exit code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from adversity.errors import (
    DataError,
    InputError,
    PipelineError,
    PluginError,
    RunError,
    StorageError,
)
from adversity_flows.cli.failures import debugging, run_guarded


def raising(error):
    def call():
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("expected a, got b"), 2, "error: expected a, got b\n"),
        (PluginError("plugin x broke"), 3, "error: plugin x broke\n"),
        (RunError("no"), 3, "error: no\n"),
        (StorageError("full"), 3, "error: full\n"),
        (PipelineError("p.yaml:3: bad"), 2, "error: p.yaml:3: bad\n"),
        (
            PipelineError(["a:1: x", "a:2: y"]),
            2,
            "error: 2 things are wrong:\n  a:1: x\n  a:2: y\n",
        ),
        (
            PipelineError(["a:1: x", "a:2: y"], more=True),
            2,
            "error: more than 2 things are wrong; these were found first:\n  a:1: x\n  a:2: y\n",
        ),
        (DataError("a.csv:2: x\na.csv:3: y"), 2, "error: a.csv:2: x\n  a.csv:3: y\n"),
        (DataError("file \x1b[31mé\u202e"), 2, "error: file \\x1b[31mé\\u202e\n"),
        (PipelineError(["a:1: x\ny"]), 2, "error: a:1: x\\ny\n"),
        (
            PermissionError(errno.EACCES, "Permission denied", "dvc.yaml"),
            3,
            (
                "error: cannot use dvc.yaml: Permission denied; give the project rights to be "
                "written, or move it to another folder\n"
            ),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_our_errors_are_one_message(error, code, said, capsys):
    """An error of ours is its message on standard error, and its class's exit code."""
    assert run_guarded(raising(error)) == code
    assert capsys.readouterr() == ("", said)


def test_interrupt_is_130_and_says_how_to_go_on(capsys):
    """Ctrl-C exits with 130 and says that the same command goes on."""
    assert run_guarded(raising(KeyboardInterrupt())) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_full_disk_is_said_in_words(capsys):
    """A full disk outside a step is one message and exit code 3."""
    assert run_guarded(raising(OSError(errno.ENOSPC, "No space left on device"))) == 3
    err = capsys.readouterr().err
    assert "the disk is full" in err
    assert "internal error" not in err


def test_unexpected_error_leaves_a_log_and_no_traceback(capsys):
    """What nobody foresaw says so, names a log that holds the traceback, and exits with 3."""
    assert run_guarded(raising(ZeroDivisionError("by zero"))) == 3
    err = capsys.readouterr().err
    assert "internal error: ZeroDivisionError: by zero" in err
    assert "Traceback" not in err
    log = err.rpartition("details in ")[2].strip()
    assert "Traceback" in Path(log).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EFBIG, "ulimit -f"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EIO, "the disk or its connection fails"),
    ],
)
def test_a_limit_of_the_system_is_said_in_words(number, said, capsys):
    """What the system refuses is no internal error: the limit is named, and how to raise it."""
    assert run_guarded(raising(OSError(number, "refused"))) == 3
    err = capsys.readouterr().err
    assert said in err
    assert "internal error" not in err


def test_the_log_of_an_internal_error_is_nobody_elses(capsys, tmp_path, monkeypatch):
    """It is made anew and for the user alone: a link prepared under any name is not followed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    logs = []
    for _ in range(2):
        run_guarded(raising(ZeroDivisionError("by zero")))
        logs.append(Path(capsys.readouterr().err.rpartition("details in ")[2].strip()))
    assert logs[0] != logs[1]
    for log in logs:
        assert log.parent == tmp_path
        assert log.stat().st_mode & 0o777 == 0o600
        assert len(log.stem.rpartition("-")[2]) >= 8  # drawn by chance


def test_python_without_docstrings_is_refused_in_words(child_environment):
    """What draws the report fails there, after everything was computed; it is said at once."""
    answer = subprocess.run(
        [
            sys.executable,
            "-OO",
            "-c",
            "from adversity_flows.cli import main as m; exit(m())",
            "sync",
        ],
        env=child_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "unset PYTHONOPTIMIZE" in answer.stderr


def test_an_exit_from_inside_is_no_verdict(capsys):
    """A plugin or library that calls `sys.exit(1)` does not make a failed gate of it."""
    assert run_guarded(raising(SystemExit(1))) == 3
    assert "internal error: SystemExit: 1" in capsys.readouterr().err


def test_debug_shows_the_traceback(capsys):
    """With --debug the traceback stands above the message."""

    def call():
        debugging(on=True)
        raise InputError("wrong")

    assert run_guarded(call) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_went_away_is_quiet(capsys):
    """A broken pipe says nothing."""
    assert run_guarded(raising(BrokenPipeError())) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["validate", "sync"])
def test_a_project_whose_path_is_no_text_is_refused(tmp_path, monkeypatch, call, command):
    """What `adversity run` cannot work in is not accepted by the commands before it."""
    root = tmp_path / os.fsdecode(b"a\xffb")
    (root / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(root)
    answer = call(command)
    assert answer.code == 2
    assert r"path is UTF-8 text, got " in answer.err
    assert r"a\xffb; rename the folder" in answer.err


@pytest.mark.parametrize("name", ["a" * 300, "/".join(["b" * 200] * 25)], ids=["name", "path"])
def test_init_refuses_a_path_that_is_too_long(tmp_path, monkeypatch, call, name):
    """It is wrong input: a name of more than 255 bytes, or a path of more than 4096."""
    monkeypatch.chdir(tmp_path)
    answer = call("init", name)
    assert answer.code == 2
    assert f"expected a shorter path of the project, got {len(name)} characters" in answer.err


def test_init_shows_control_characters_of_a_folder_as_escapes(tmp_path, monkeypatch, call):
    """A name must not colour or clear the terminal of who reads the answer."""
    monkeypatch.chdir(tmp_path)
    answer = call("init", "a\x1b[31mb")
    assert answer.code == 0
    assert "\x1b[31m" not in answer.out
    assert r"a\x1b[31mb: a project with" in answer.out
