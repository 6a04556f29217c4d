"""Which rows of its first source a fit sees, and what each of them counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.resampling import drawn, units_of
from adversity.data.sample_columns import ATTRIBUTE, GROUP
from adversity.data.weights import BALANCED, balanced_weights, weights_fault
from adversity.errors import DataError
from adversity.numerals import number_in
from adversity.pipeline.read.findings import suggestion
from adversity.seeding import draw_generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["ROWS", "Candidates", "Classes", "FitRows", "fit_rows", "numbered", "scattered"]

Classes = tuple[str, ...] | None
"""What targets must index: the classes of the first source, where all shall have the same."""
ROWS = 64
"""Rows of a block that a plugin is fitted on, in a pipeline and from Python."""
Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rows of a source that can be learnt from.

    Attributes:
        source: The data set or step, for messages.
        ids: `[N]`, of all its rows.
        targets: `[N]` classes of all its rows, below 0 where there is none.
        columns: What the data say of all its rows: `group`, and attributes.
        places: `[R]`, the rows that can be learnt from, ascending.
    """

    source: str
    ids: Sequence[str]
    targets: np.ndarray[Any, Any]
    columns: Mapping[str, np.ndarray[Any, Any]]
    places: Places


@dataclass(frozen=True, slots=True)
class FitRows:
    """The rows that a fit sees.

    Attributes:
        places: Which rows of the source, ascending; one that was drawn twice is there twice.
        weights: `[N]` what each row of the source counts, by its place; None where all count the
            same.
        notes: What must be said of it.
    """

    places: Places
    weights: np.ndarray[Any, np.dtype[np.float64]] | None = None
    notes: tuple[str, ...] = ()

    def of(self, places: Sequence[int] | Places) -> Tensor | None:
        """Return what some rows count, `[n]` float64."""
        import torch

        return None if self.weights is None else torch.from_numpy(self.weights[places])


def fit_rows(planned: PlannedStep, given: Candidates, cell: Cell, seed: int) -> FitRows:
    """Return the rows that the plugin of a step is fitted on, as the step says.

    Args:
        planned: The step.
        given: The rows of its first source.
        cell: Its cell.
        seed: Of the pipeline.

    Raises:
        DataError: If a weight is no number, or below 0, or none is above 0.
    """
    places, notes = given.places, []
    number = planned.draw_of(cell)
    if number is not None:
        generator = draw_generator(seed, planned.id, number)
        places, note = _drawn(planned, given, generator)
        notes.append(note)
    if planned.weights is None:
        return FitRows(places, None, tuple(notes))
    weights = _weights(planned, given, places)
    kept = places[weights[places] > 0]
    if not len(kept):
        raise DataError(
            f"{planned.line}: {planned.id}: weights: {planned.weights}: expected a weight above 0 "
            f"among the samples of {given.source} that are drawn, got none; take another draw"
        )
    drawn_ones = np.unique(places)
    if left_out := int((weights[drawn_ones] == 0).sum()):
        notes.append(
            f"{planned.id} was fitted without {left_out} samples of {given.source}, whose weight "
            f"({planned.weights}) is 0"
        )
    return FitRows(kept, weights, tuple(notes))


def _drawn(
    planned: PlannedStep, given: Candidates, generator: np.random.Generator
) -> tuple[Places, str]:
    """Return places drawn with replacement, groups whole, and what must be said of it."""
    ids = [given.ids[place] for place in given.places]
    column = given.columns.get(GROUP)
    groups = [None] * len(ids) if column is None else column[given.places].tolist()
    units = units_of(ids, groups)
    many = f"{len(ids):,} samples"
    many += f", in {len(units):,} groups that are drawn whole" if len(units) < len(ids) else ""
    note = (
        f"{planned.id} was fitted on as many of {given.source} as there are, drawn with "
        f"replacement (bootstrap): {many}"
    )
    return given.places[drawn(units, generator)], note


def _weights(
    planned: PlannedStep, given: Candidates, places: Places
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what each row counts, `[N]`, by its place; balanced are the classes of these places."""
    weights = np.zeros(len(given.ids))
    if planned.weights == BALANCED:
        weights[places] = balanced_weights(_classes(planned, given)[places])
    else:
        weights[given.places] = _given(planned, given)
    return weights


def _classes(planned: PlannedStep, given: Candidates) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the classes of all rows, once it is known that each that is learnt from has one."""
    lacking = given.places[given.targets[given.places] < 0]
    if len(lacking):
        raise DataError(
            f"{planned.line}: {planned.id}: weights: {BALANCED}: expected a class of each sample of "
            f"{given.source}, got none of {given.ids[lacking[0]]!r}; name an attribute that holds "
            "the weights"
        )
    return given.targets


def _given(planned: PlannedStep, given: Candidates) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the attribute of each row that can be learnt from, `[R]`, once it is a weight."""
    where = f"{planned.line}: {planned.id}: weights: {planned.weights}"
    column = given.columns.get(f"{ATTRIBUTE}{planned.weights}")
    if column is None:
        names = sorted(n.removeprefix(ATTRIBUTE) for n in given.columns if n.startswith(ATTRIBUTE))
        hint = suggestion(str(planned.weights), [*names, BALANCED])
        raise DataError(
            f"{where}: expected {BALANCED}, or an attribute of the samples of {given.source}{hint}"
        )
    ids = [given.ids[place] for place in given.places]
    weights = _numbers(column[given.places], ids, where)
    fault = weights_fault(weights, ids)
    if fault is not None:
        raise DataError(f"{where}: {fault}, in {given.source}; correct the data, or drop weights:")
    return weights


def _numbers(
    column: np.ndarray[Any, Any], ids: Sequence[str], where: str
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return numbers, also those that stand as text in a CSV file."""
    numbers = np.empty(len(column))
    for place, (value, id_) in enumerate(zip(column.tolist(), ids, strict=True)):
        number = number_in(value)
        if number is None:
            got = "none" if value is None else f"the text {value!r}"
            raise DataError(
                f"{where}: expected finite numbers such as 2.5, got {got} of sample {id_!r}"
            )
        numbers[place] = number
    return numbers


def scattered(id_: str) -> str:
    """Return what to sort by, so that the order tells nothing: ids often begin with a class."""
    return hashlib.sha256(id_.encode()).hexdigest()


def numbered(first: int, count: int) -> tuple[str, ...]:
    """Return ids that tell nothing."""
    return tuple(map(str, range(first, first + count)))
