"""Sentences that several commands say, written once."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from adversity.report.words.wording import plural

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.model import Plan

__all__ = ["columns", "plan_words", "relative", "size_text", "wrapped"]


def plan_words(plan: Plan) -> str:
    """Say in a line what a plan holds."""
    cells = max((len(planned.cells) for planned in plan.steps.values()), default=1)
    parts = [
        plural(len(plan.spec.data), "data set"),
        plural(len(plan.steps), "step"),
        plural(len(plan.stages), "stage"),
        *([f"up to {plural(cells, 'cell')} a step"] if cells > 1 else []),
        plural(len(plan.gates), "gate"),
        f"seed {plan.spec.seed}",
    ]
    files = _code_of_project(plan)
    parts += [f"runs {', '.join(files)} of the project"] if files else []
    return " · ".join(parts)


def _code_of_project(plan: Plan) -> list[str]:
    """Return the files of the project that define plugins of a plan."""
    from adversity.distributions import place_of
    from adversity.pipeline.plan.nested import all_nested

    plugins: list[PluginBase] = [*(data.plugin for data in plan.data.values()), *plan.metrics]
    plugins += [plugin for step in plan.steps.values() for plugin in step.plugins.values()]
    plugins += [nested.plugin for plugin in plugins for nested in all_nested(plugin)]
    places = (place_of(type(plugin).__module__) for plugin in plugins)
    return sorted({place for place in places if place is not None})


def relative(path: Path, root: Path) -> str:
    """Write a path as seen from where the user stands, if it lies there or in the project."""
    from pathlib import Path as Here

    for base in (Here.cwd(), root):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)


def size_text(size: int) -> str:
    """Write a number of bytes: `0.4 MB`, `12 MB`, `3.1 GB`."""
    megabytes = size / 1e6
    if megabytes >= 1000:
        return f"{megabytes / 1000:.1f} GB"
    return f"{megabytes:.1f} MB" if megabytes < 10 else f"{megabytes:.0f} MB"


def columns(rows: list[tuple[str, ...]], *, right: tuple[int, ...] = ()) -> list[str]:
    """Lay rows out in columns of one width, two spaces apart.

    Args:
        rows: All of one length.
        right: Columns that hold numbers, set right.
    """
    if not rows:
        return []
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def wrapped(text: str, *, indent: int, width: int | None = None) -> str:
    """Wrap a text under an indent."""
    columns_ = min(100, width or shutil.get_terminal_size().columns)
    return textwrap.fill(
        text, columns_, initial_indent=" " * indent, subsequent_indent=" " * indent
    )
