"""The command line. `main` is the entry point; every command stands in a file of its own.

Nothing here imports a plugin, torch, Prefect, DVC or pydantic before a command needs it:
`adversity --help` and shell completion answer at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from adversity_flows.cli.entry import cli
from adversity_flows.cli.failures import run_guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name; those of the process if not given.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return run_guarded(lambda: cli.main(list(given), prog_name="adversity", standalone_mode=False))
