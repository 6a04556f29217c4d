"""The front door: help, version, start-up, wrong commands."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest

from adversity_flows.cli.entry import COMMANDS, cli

HEAVY = {"pydantic", "pluggy", "torch", "prefect", "dvc", "rich", "numpy", "adversity_plugins"}

SCRIPT = """
import sys
from adversity_flows.cli import main
code = main({arguments!r})
sys.stderr.write(",".join(sorted({{name.partition(".")[0] for name in sys.modules}})))
sys.exit(code)
"""


def imported(arguments, environment, **more):
    """Return the top-level modules that a command imports in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(arguments=arguments)],
        capture_output=True,
        text=True,
        env=environment | more,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return set(answer.stderr.rpartition("\n")[2].split(",")), answer.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments, child_environment):
    """Help and version answer without pydantic, pluggy, torch, prefect, dvc or rich."""
    modules, out = imported(arguments, child_environment)
    assert not modules & HEAVY
    assert "adversity" in out


def test_to_say_what_went_wrong_needs_no_reader_of_pipelines(child_environment):
    """A start pays for what a command uses, not for what a failure of another one would."""
    program = (
        "import sys, adversity_flows.cli.failures\n"
        "sys.exit(any(name.startswith('adversity.pipeline') for name in sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", program], env=child_environment, check=False)
    assert answer.returncode == 0


@pytest.mark.parametrize(
    ("words", "count", "expected"),
    [("adversity ru", 1, "run"), ("adversity plugins pg", 2, "pgd")],
)
def test_completion_answers_from_the_cached_catalogue(words, count, expected, child_environment):
    """Shell completion names commands and plugins; once cached, it imports nothing heavy."""
    given = {"_ADVERSITY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    imported(["plugins"], child_environment)  # writes the catalogue's cache
    modules, out = imported([], child_environment, **given)
    assert f"plain,{expected}" in out.split()
    assert not modules & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name):
    """Each command's help starts with a sentence and shows a call of itself."""
    known = COMMANDS[name]
    module, _, function = known.home.partition(":")
    command = getattr(import_module(f"adversity_flows.cli.{module}"), function)
    assert isinstance(command, click.Command)
    assert command.hidden == known.hidden
    assert f"adversity {name}" in command.help
    assert "Example" in command.help


def test_the_list_of_commands_is_the_designs(call):
    """Commands of later issues are not listed, hidden ones neither."""
    out = call("--help").out
    assert not [word for word in ("materialise",) if word in out]
    assert cli.list_commands(click.Context(cli))[0] == "init"


def test_unknown_command_names_the_nearest(call):
    """A misspelt command is wrong input and the nearest one is named."""
    answer = call("plugin")
    assert answer.code == 2
    assert "unknown command 'plugin'; did you mean plugins?" in answer.err


def test_wrong_option_is_wrong_input(call):
    """An unknown option exits with 2 and a message."""
    answer = call("run", "x.yaml", "--directly")
    assert answer.code == 2
    assert "--direct" in answer.err
