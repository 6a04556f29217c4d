"""`adversity new-plugin`: what it refuses, and what is left where nothing can be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from adversity.errors import InputError
from adversity_flows.cli.new_plugin import answers
from adversity_flows.cli.new_plugin.answers import QUESTIONS

WRONG = {
    "kind": (["degradatoin", "dew"], "unknown kind 'degradatoin'; did you mean degradation?"),
    "kinds": (["xyz", "dew"], "kinds are degradation, "),
    "shape": (
        ["metric", "dew", "--shape", "image-alne"],
        "expected a shape of metric, got 'image-alne'; did you mean image-alone?",
    ),
    "no shapes": (
        ["attack", "dew", "--shape", "image"],
        "expected no shape of attack, got 'image'",
    ),
    "camel": (["attack", "DewBank"], "snake_case such as gaussian_noise, got 'DewBank'; did you"),
    "camel hint": (["attack", "DewBank"], "did you mean dew_bank?"),
    "keyword": (["attack", "lambda"], "'lambda' is a word of the Python language"),
    "long": (["attack", "x" * 41], "at most 40 characters"),
    "taken": (["attack", "pgd"], "attack/pgd is a plugin of adversity "),
    "contract": (["attack", "attack"], "its class Attack would hide another of that name"),
    "file": (
        ["attack", "conformance"],
        "tests/test_conformance.py is a file of every distribution",
    ),
    "author": (["attack", "dew", "--author", " "], "expected the author's name, got ' '"),
    "comma": (["attack", "dew", "--author", "A, B"], "without a comma"),
    "email": (["attack", "dew", "--email", "a at b"], "a.author@example.org, got 'a at b'"),
    "licence": (["attack", "dew", "--licence", "BSD"], "did you mean BSD-3-Clause?"),
    "case": (["attack", "dew", "--distribution", "Acme_Dew"], "did you mean acme-dew?"),
    "standard": (["attack", "dew", "--distribution", "json"], "would hide Python's own"),
    "package": (["attack", "dew", "--distribution", "numpy"], "'numpy' belongs to numpy"),
    "installed": (["attack", "dew", "--distribution", "pyyaml"], "'pyyaml' is installed"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=list(WRONG))
def test_wrong_answers_are_refused_before_anything_is_written(
    call, refused, tmp_path, monkeypatch, arguments, said
):
    """One message says what was expected, what came and what to do; exit code 2."""
    monkeypatch.chdir(tmp_path)
    given = arguments if "--author" in arguments else [*arguments, "--author", "A"]
    refused(call("new-plugin", *given), said)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_and_a_file_are_left_alone(call, tmp_path):
    """Nothing is written into what somebody uses."""
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    taken = "expected a new or an empty folder, got one with files in it"
    for place, said in ((tmp_path, taken), (mine, "mine.txt' is a file")):
        answer = call("new-plugin", "metric", "dew", "--author", "A", "--output", str(place))
        assert answer.code == 2
        assert said in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("there", "method", "good"),
    [
        (False, "write_text", 0),
        (False, "write_text", 4),
        (False, "rename", 0),
        (True, "write_text", 4),
        (True, "rename", 2),
    ],
)
def test_what_cannot_be_written_leaves_nothing(call, tmp_path, monkeypatch, there, method, good):
    """All files or none: a disk that is full from any moment on leaves the place as it was."""
    folder = tmp_path / "made"
    if there:
        folder.mkdir()
    real, done = getattr(Path, method), []

    def full(*arguments, **named):
        done.append(arguments)
        if len(done) > good:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **named)

    monkeypatch.setattr(Path, method, full)
    answer = call("new-plugin", "metric", "dew", "--author", "A", "--output", str(folder))
    monkeypatch.undo()
    assert answer.code == 3
    assert "No space left on device; nothing of it was left" in answer.err
    assert [path.name for path in tmp_path.rglob("*")] == (["made"] if there else [])


def test_an_error_of_the_system_without_a_text_of_its_own_is_readable(call, tmp_path, monkeypatch):
    """Some have no `strerror`: what they do say stands in the message, never `None`."""

    def refuse(*_, **__):
        raise OSError("the share is gone")

    monkeypatch.setattr(Path, "write_text", refuse)
    answer = call("new-plugin", "metric", "dew", "--author", "A", "--output", str(tmp_path / "m"))
    assert "m: the share is gone; nothing of it was left, name another folder" in answer.err


def test_a_kind_without_a_template_is_said_in_one_message(monkeypatch):
    """A kind that is known but has no folder is no traceback."""
    monkeypatch.setattr(answers, "kinds", lambda: ["degradation", "metric"])
    with pytest.raises(InputError, match="a kind with a template, degradation, metric, got attack"):
        QUESTIONS[0].check("attack", {})
