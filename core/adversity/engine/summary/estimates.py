"""Estimated numbers against true ones, and errors against what spread was claimed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.chosen_samples import id_order
from adversity.engine.summary.ends_of_steps import ends_of_steps
from adversity.metrics import rmse
from adversity.metrics.intervals import normal_quantile
from adversity.report.values.decided import Estimate, Estimates, SpreadBin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.columns import Rows
    from adversity.pipeline.plan.model import Cell

__all__ = ["LEVEL", "estimates"]

Array = np.ndarray[Any, Any]
LEVEL = 0.9
"""Of the intervals that are drawn, as `metric/interval_coverage` has it."""
_SHOWN = 80
_BINS, _IN_A_BIN = 10, 20
"""At most so many bins, and no fewer samples in each."""


def estimates(toolbox: Toolbox) -> tuple[Estimates, ...]:
    """Return the estimates of all steps of regressors, of the first and the last cell of each.

    Raises:
        StorageError: If a table is missing or damaged.
    """
    return tuple(
        one
        for step, cell in ends_of_steps(toolbox, "mean")
        for one in _of(toolbox, step, cell, stored_rows(toolbox, step, cell))
    )


def _of(toolbox: Toolbox, step: str, cell: Cell, rows: Rows) -> Iterator[Estimates]:
    """Yield one for each number that is estimated and is known for any sample."""
    if "target" not in rows:
        return
    columns = [_wide(rows[name]) for name in ("target", "mean")]
    variance = _wide(rows["variance"]) if "variance" in rows else None
    names = toolbox.table(step).classes.get(cell.key, ())
    for at in range(columns[0].shape[1]):
        target, mean = (column[:, at] for column in columns)
        known = np.isfinite(target)
        if not known.any():
            continue
        spread = None if variance is None else np.sqrt(variance[known, at])
        groups = rows[GROUP][known] if GROUP in rows else None
        some = id_order([str(id_) for id_ in rows["id"][known].tolist()])[:_SHOWN]
        yield Estimates(
            step=step,
            cell=cell.as_dict(),
            number=names[at] if at < len(names) else f"number {at + 1}",
            n=int(known.sum()),
            shown=tuple(_shown(target[known], mean[known], spread, some)),
            level=LEVEL,
            bins=() if spread is None else tuple(_bins(target[known], mean[known], spread, groups)),
        )


def _wide(values: Array) -> Array:
    """Return `[N, D]`; a table keeps `[N]` where D is 1."""
    wide = np.asarray(values, dtype=np.float64)
    return wide[:, None] if wide.ndim == 1 else wide


def _shown(
    target: Array, mean: Array, spread: Array | None, places: list[int]
) -> Iterator[Estimate]:
    """Yield chosen samples by what is true; a Gaussian interval where a variance is claimed."""
    reach = normal_quantile(LEVEL)
    for at in sorted(places, key=lambda place: float(target[place])):
        true, own = float(target[at]), float(mean[at])
        if spread is None:
            yield Estimate(true, own)
        else:
            half = reach * float(spread[at])
            yield Estimate(true, own, own - half, own + half)


def _bins(target: Array, mean: Array, spread: Array, groups: Array | None) -> Iterator[SpreadBin]:
    """Yield bins of as many samples each, by the spread that is claimed for them.

    Reference: Levi, Gispan, Giladi, Fetaya, Evaluating and calibrating uncertainty prediction in
        regression tasks, 2022, figure 1: in each bin the root mean variance against the RMSE.
    """
    count = min(_BINS, len(spread) // _IN_A_BIN)
    if count < 1 or not np.isfinite(spread).all():
        return
    for own in np.array_split(np.argsort(spread, kind="stable"), count):
        claimed = float(np.sqrt((spread[own] ** 2).mean()))
        yield SpreadBin(
            claimed, rmse(mean[own], target[own], None if groups is None else groups[own])
        )
