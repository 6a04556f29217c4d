"""The history of a fit: a row an epoch, stored beside the state, and the measures of its last one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import Measure, Plot
from adversity.contracts.fitted import VALIDATE, VALIDATION
from adversity.engine.set_up.workspace import slug
from adversity.engine.stages.stage import write_json
from adversity.metrics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.contracts import MeasureInfo
    from adversity.pipeline.plan.model import Cell

__all__ = ["history_path", "last_epoch", "write_history"]

_WHOLE = 1e-6
"""A share times n is a count up to rounding."""


def history_path(folder: Path, cell: Cell) -> Path:
    """Return where the history of a cell lies in a step's artifact."""
    return folder / "history" / f"{slug(cell)}.json"


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write `{"rows": [{"epoch": 1, ...}, ...]}`; nothing where nothing was recorded."""
    if rows:
        write_json(path, {"rows": list(rows)})


def last_epoch(
    rows: Sequence[Mapping[str, float]],
    declared: Mapping[str, MeasureInfo],
    counts: Mapping[str, int],
) -> dict[str, Measure]:
    """Return the numbers of the last epoch as measures, each with its curve.

    A share of the images of `validate` has Wilson's interval; on images that are learnt from,
    no interval would speak of others.

    Args:
        rows: The history.
        declared: What is known of each number.
        counts: The number of samples of each source, the first one first.
    """
    if not rows:
        return {}
    first = next(iter(counts))
    return {
        name: _measure(name, info, rows, counts[VALIDATE if _validates(name) else first])
        for name, info in declared.items()
    }


def _validates(name: str) -> bool:
    return name.startswith(VALIDATION)


def _measure(name: str, info: MeasureInfo, rows: Sequence[Mapping[str, float]], n: int) -> Measure:
    value, epochs = rows[-1][name], [row["epoch"] for row in rows]
    title = info.title or name.replace("_", " ")
    unit = f", {info.unit}" if info.unit else ""
    plot = Plot("line", epochs, [row[name] for row in rows], "epoch", f"{title}{unit}")
    measure = Measure(
        value, n, convention={"epoch": int(epochs[-1])}, details={"plot": plot.as_json()}
    )
    right = round(value * n)
    if info.scale == "number" or not _validates(name) or abs(value * n - right) > _WHOLE:
        return measure
    low, high = wilson(right, n)
    return replace(measure, low=low, high=high, method="wilson")
