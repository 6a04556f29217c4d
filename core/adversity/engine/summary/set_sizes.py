"""The sizes of prediction sets: how many of each, by class, and by how hard an image is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.ends_of_steps import ends_of_steps
from adversity.metrics import grouped, mean_interval
from adversity.report.values.decided import SetSizes

if TYPE_CHECKING:
    from adversity.contracts import Measure
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.columns import Rows
    from adversity.pipeline.plan.model import Cell

__all__ = ["set_sizes"]

Array = np.ndarray[Any, Any]
_RANKS = (1, 2, 3, 6, 10, 100)
"""The last rank of each bin but the last, about as in the tables of Angelopoulos et al., 2021."""


def set_sizes(toolbox: Toolbox) -> tuple[SetSizes, ...]:
    """Return the sizes of all steps that decide sets, of the first and the last cell of each.

    Raises:
        StorageError: If a table is missing or damaged.

    Reference: Angelopoulos, Bates, Malik, Jordan, Uncertainty sets for image classifiers using
        conformal prediction, 2021, table 4: sizes by the rank of the true class.
    """
    found = (
        _of(toolbox, step, cell, stored_rows(toolbox, step, cell))
        for step, cell in ends_of_steps(toolbox, "set_size")
    )
    return tuple(found)


def _of(toolbox: Toolbox, step: str, cell: Cell, rows: Rows) -> SetSizes:
    sizes = np.asarray(rows["set_size"], dtype=np.int64)
    counts = np.bincount(sizes, minlength=rows["sets"].shape[1] + 1)
    told: dict[str, Any] = {}
    if "target" in rows and (known := has_class(rows["target"])).any():
        groups = rows[GROUP][known] if GROUP in rows else None
        target, own = rows["target"][known], sizes[known]
        names = toolbox.table(step).classes.get(cell.key, ())
        most = rows["sets"].shape[1]
        labels = np.array([names[k] if names else str(k) for k in target.tolist()], dtype=object)
        order = [names[k] if names else str(k) for k in np.unique(target).tolist()]
        told["by_class"] = _means(own, labels, order, groups, most)
        answer = next((rows[kind] for kind in ("logits", "probs") if kind in rows), None)
        if answer is not None:
            ranks = _ranks(np.asarray(answer)[known], target)
            bins = np.searchsorted(_RANKS, ranks)
            words = _words(most)
            told["by_rank"] = _means(own, np.array(words, dtype=object)[bins], words, groups, most)
    return SetSizes(step, cell.as_dict(), tuple(counts.tolist()), **told)


def _means(
    sizes: Array, labels: Array, order: list[str], groups: Array | None, most: int
) -> dict[str, Measure]:
    """Return the mean size of the images of each label that has any, in an order."""
    means = {}
    for label in order:
        own = labels == label
        if own.any():
            values, within = sizes[own].astype(np.float64), (0.0, float(most))
            mean = mean_interval(values, within=within)
            means[label] = grouped(
                mean, values, None if groups is None else groups[own], within=within
            )
    return means


def _ranks(answer: Array, target: Array) -> Array:
    """Return `[N]` the place of the true class among all, 1 for the likeliest; ties count as hard."""
    own = np.take_along_axis(answer, target[:, None], axis=1)
    ranks: Array = (answer >= own).sum(1)
    return ranks


def _words(classes: int) -> list[str]:
    """Name each bin of ranks: `1`, `2`, `3`, `4 to 6`, `7 to 10`."""
    words, first = [], 1
    for last in (*_RANKS, max(classes, _RANKS[-1] + 1)):
        end = min(last, classes)
        words.append(str(first) if end <= first else f"{first} to {end}")
        first = last + 1
    return words
