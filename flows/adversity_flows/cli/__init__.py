"""The command line. `main` is the entry point; every command stands in a file of its own.

Nothing here imports a plugin, torch, Prefect, DVC or pydantic before a command needs it:
`adversity --help` and shell completion answer at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.entry import cli
from adversity_flows.cli.failures import run_guarded
from adversity_flows.cli.streams import settle_streams
from adversity_flows.cli.unchanged import listen
from adversity_flows.ending_signals import leave, take_as_interrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main"]

NAME = "adversity"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name. If not given: those of the process, whose standard
            streams and signals are then ours as well.
    """
    own = arguments is None
    if own:
        settle_streams()
        take_as_interrupt()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if own and given[:1] == ["run"]:
        listen()  # before anything that a run reads
    if "_ADVERSITY_COMPLETE" in os.environ:  # a shell completes what is typed
        cli.main(given, prog_name=NAME)
    code = run_guarded(lambda: _call(given))
    if own:
        leave(code)
    return code


def _call(arguments: list[str]) -> object:
    """Call the command; click's own `main` would make exit code 1 of a reader that went away."""
    try:
        with cli.make_context(NAME, list(arguments), obj=arguments) as context:
            return cli.invoke(context)
    except click.exceptions.Exit as error:
        return error.exit_code
