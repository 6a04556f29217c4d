"""How long `adversity --help`, `--version` and `plugins` take, beside `python -c pass`.

Shell completion and every script that calls the command pay this each time. Nothing but the
interpreter itself is a fair base, so the difference to it is shown as well. `run` and `validate`
look at every installed plugin, so that is timed too: as it is here, and with 200 plugins, those that
are missing generated as distributions of ten.
"""

from __future__ import annotations

import os
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
LOOK = "from adversity.registry import discover; print(len(discover().entries()))"
MANY = "look at 200 plugins"
PLUGIN = '''
class Made{number}(Degradation):
    """Add something: number {number}."""

    name: ClassVar[str] = "made_{number}"
    levels: ClassVar[Any] = {{"amount": (0.1, 0.2, 0.3, 0.4, 0.5)}}
    amount: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    steps: Annotated[int, Field(ge=1)] = 3

    def degrade(self, images: Any, rng: Any) -> Any:
        return images
'''
HEAD = """
from __future__ import annotations
from typing import Annotated, Any, ClassVar
from pydantic import Field
from adversity import Degradation, hookimpl
"""
HOOK = """
@hookimpl
def adversity_degradations():
    return [{names}]
"""


def distributions(folder: Path, count: int) -> None:
    """Write so many plugins, ten a distribution, each in a module as an installer leaves it."""
    for first in range(0, count, 10):
        numbers, package = range(first, min(first + 10, count)), f"made_{first}"
        parts = [f"{package}_{number}" for number in numbers]
        for number, part in zip(numbers, parts, strict=True):
            (folder / f"{part}.py").write_text(HEAD + PLUGIN.format(number=number))
        names = ", ".join(f"Made{number}" for number in numbers)
        imports = "".join(
            f"from {part} import Made{number}\n"
            for number, part in zip(numbers, parts, strict=True)
        )
        (folder / f"{package}.py").write_text(HEAD + imports + HOOK.format(names=names))
        metadata = folder / f"{package}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {package}\nVersion: 1.0\n"
        )
        (metadata / "entry_points.txt").write_text(f"[adversity]\nall = {package}\n")


def commands() -> dict[str, list[str]]:
    """Return what is timed, by name."""
    program = str(Path(sys.executable).with_name("adversity"))
    return {
        BARE: [sys.executable, "-c", "pass"],
        "adversity --version": [program, "--version"],
        "adversity --help": [program, "--help"],
        "adversity plugins": [program, "plugins"],
        "look at the plugins": [sys.executable, "-c", LOOK],
        MANY: [sys.executable, "-c", LOOK],
    }


def runner(command: Sequence[str], folder: str, path: str = "") -> Callable[[], None]:
    """Return a call that runs a command to its end in an empty folder, with modules of `path`."""
    environment = {**os.environ, "PYTHONPATH": path} if path else None

    def run() -> None:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
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
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as more:
        here = subprocess.run(
            [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True
        )
        distributions(Path(more), 200 - int(here.stdout))
        running = {
            name: runner(command, folder, more if name == MANY else "")
            for name, command in commands().items()
        }
        times = contest.contest(running, repetitions=repetitions, warm=repetitions > 1)
    timings = {name: contest.seconds(times, name) for name in times}
    took = timings["adversity --help"]["wall"].median
    record: dict[str, Any] = {
        "benchmark": "startup",
        "quick": asked.quick,
        "machine": machine,
        "repetitions": repetitions,
        "seconds": timings,
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
