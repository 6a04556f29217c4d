"""Time contenders fairly on a machine that has other work, and say which machine it was.

Contenders take turns in an order that is shuffled inside every repetition, and each is
compared with the base of the same repetition: a slow minute then slows both. What counts is
the median of those ratios. CPU time beside wall time tells load from cost.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "Spread",
    "contest",
    "machine",
    "options",
    "perform",
    "ratios",
    "seconds",
    "spread",
    "write",
]

Times = dict[str, list[tuple[float, float]]]
"""Contender to its (wall, CPU) seconds, one pair a repetition."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures, and the lowest and highest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show the median with its range."""
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


def spread(values: Sequence[float]) -> Spread:
    """Summarise figures.

    Example:
        >>> str(spread([1.0, 4.0, 2.0]))
        '2.000 (1.000 to 4.000)'
    """
    return Spread(statistics.median(values), min(values), max(values))


def contest(
    contenders: Mapping[str, Callable[[], object]],
    *,
    repetitions: int,
    seed: int = 0,
    warm: bool = True,
) -> Times:
    """Run each contender once for warming up, then once a repetition in shuffled order.

    Without `warm` at once: for contenders that take minutes, and where no figure counts.
    """
    if warm:
        for contender in contenders.values():
            contender()
    order, shuffled = list(contenders), random.Random(seed)
    times: Times = {name: [] for name in contenders}
    for _ in range(repetitions):
        shuffled.shuffle(order)
        for name in order:
            wall, cpu = time.perf_counter(), _cpu()
            contenders[name]()
            times[name].append((time.perf_counter() - wall, _cpu() - cpu))
    return times


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def ratios(times: Times, base: str) -> dict[str, dict[str, Spread]]:
    """Return, for each contender, its `wall` and `cpu` time over the base's of the same turn."""
    return {
        name: {
            clock: spread([own[k] / its[k] for own, its in zip(turns, times[base], strict=True)])
            for k, clock in enumerate(("wall", "cpu"))
        }
        for name, turns in times.items()
    }


def seconds(times: Times, name: str) -> dict[str, Spread]:
    """Return a contender's own `wall` and `cpu` seconds."""
    return {
        clock: spread([turn[k] for turn in times[name]]) for k, clock in enumerate(("wall", "cpu"))
    }


def machine(*packages: str) -> dict[str, Any]:
    """Return what a figure must be read with: processor, load, versions of Python and packages."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_1_min": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("adversity", *packages)},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the two options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes; the figures mean nothing"
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    return parser


def perform(
    benchmark: str,
    description: str | None,
    arguments: Sequence[str],
    *,
    packages: Sequence[str],
    measure: Callable[[argparse.Namespace], Mapping[str, Any]],
    lines: Callable[[dict[str, Any]], Sequence[str]],
) -> None:
    """Read the options, measure, and write the record: the whole of a benchmark's `main`.

    Args:
        benchmark: Its name.
        description: The script's docstring.
        arguments: Of the command line.
        packages: Whose versions the figures must be read with.
        measure: From the options, of which `quick` is one, to what was found.
        lines: From the record to what people read.
    """
    asked = options(description).parse_args(arguments)
    read_with = machine(*packages)  # before the work, whose own load is not the machine's
    record = {"benchmark": benchmark, "quick": asked.quick, "machine": read_with}
    record.update(measure(asked))
    write(record, lines(record), as_json=asked.json)


def write(record: Mapping[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the record as JSON, or the machine and the lines for people."""
    if as_json:
        print(json.dumps(record, default=asdict, indent=1))
        return
    facts = dict(record["machine"])
    versions = ", ".join(f"{name} {version}" for name, version in facts.pop("versions").items())
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    print(f"{versions}; one thread" + ("; --quick: no figure means anything" * record["quick"]))
    print("\n".join(lines))
