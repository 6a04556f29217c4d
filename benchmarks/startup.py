"""How long `adversity --help`, `--version` and `plugins` take, beside `python -c pass`.

Shell completion and every script that calls the command pay this each time. Nothing but the
interpreter itself is a fair base, so the difference to it is shown as well.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import contest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BARE = "python -c pass"
LIMIT = 0.3
"""Seconds of wall time for `--help`."""


def commands() -> dict[str, list[str]]:
    """Return what is timed, by name."""
    program = str(Path(sys.executable).with_name("adversity"))
    return {
        BARE: [sys.executable, "-c", "pass"],
        "adversity --version": [program, "--version"],
        "adversity --help": [program, "--help"],
        "adversity plugins": [program, "plugins"],
    }


def runner(command: Sequence[str], folder: str) -> Callable[[], None]:
    """Return a call that runs a command to its end in an empty folder."""

    def run() -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(
                f"{' '.join(command)} ended with {done.returncode}; expected 0:\n{done.stderr}"
            )

    return run


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    asked = contest.options(__doc__).parse_args(arguments)
    repetitions = 1 if asked.quick else 10
    machine = contest.machine("click", "pydantic", "torch")
    with tempfile.TemporaryDirectory() as folder:
        running = {name: runner(command, folder) for name, command in commands().items()}
        times = contest.contest(running, repetitions=repetitions)
    found = {name: contest.seconds(times, name) for name in times}
    took = found["adversity --help"]["wall"].median
    record: dict[str, Any] = {
        "benchmark": "startup",
        "quick": asked.quick,
        "machine": machine,
        "repetitions": repetitions,
        "seconds": found,
        "limits": [
            {
                "command": "adversity --help",
                "limit": LIMIT,
                "measured": took,
                "met": took <= LIMIT,
            }
        ],
    }
    contest.write(record, lines(record), as_json=asked.json)


def lines(record: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    bare = record["seconds"][BARE]["wall"].median
    shown = ["", f"{'seconds':22}{'wall':>26}{'CPU':>26}{'beyond python':>15}"]
    for name, took in record["seconds"].items():
        beyond = took["wall"].median - bare
        shown.append(f"{name:22}{took['wall']!s:>26}{took['cpu']!s:>26}{beyond:15.3f}")
    for row in record["limits"]:
        word = "met" if row["met"] else "MISSED"
        shown.append(
            f"{word}: {row['command']} takes {row['measured']:.3f} s of wall time, limit "
            f"{row['limit']:.1f} s"
        )
    return shown


if __name__ == "__main__":
    main(sys.argv[1:])
