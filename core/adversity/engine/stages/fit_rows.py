"""Which rows of its first source a fit sees, and what each of them counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.sample_columns import ATTRIBUTE
from adversity.data.weights import BALANCED, balanced_weights, weights_fault
from adversity.errors import DataError
from adversity.pipeline.read.findings import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.pipeline.plan.model import PlannedStep

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
        places: Which rows of the source, ascending.
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


def fit_rows(planned: PlannedStep, given: Candidates) -> FitRows:
    """Return the rows that the plugin of a step is fitted on, as the step says.

    Args:
        planned: The step.
        given: The rows of its first source.

    Raises:
        DataError: If a weight is no number, or below 0, or none is above 0.
    """
    if planned.weights is None:
        return FitRows(given.places)
    found = _weights(planned, given)
    left_out = int((found == 0).sum())
    weights = np.zeros(len(given.ids))
    weights[given.places] = found
    note = (
        f"{planned.id} was fitted without {left_out} samples of {given.source}, whose weight "
        f"({planned.weights}) is 0"
    )
    return FitRows(given.places[found > 0], weights, (note,) if left_out else ())


def _weights(planned: PlannedStep, given: Candidates) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what each row that can be learnt from counts, `[R]`."""
    where = f"{planned.line}: {planned.id}: weights: {planned.weights}"
    if planned.weights == BALANCED:
        targets = given.targets[given.places]
        if (targets < 0).any():
            first = given.ids[given.places[np.flatnonzero(targets < 0)[0]]]
            raise DataError(
                f"{where}: expected a class of each sample of {given.source}, got none of "
                f"{first!r}; name an attribute that holds the weights"
            )
        return balanced_weights(targets)
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
        try:
            numbers[place] = float(value)
        except (TypeError, ValueError):
            got = "none" if value is None else f"the text {value!r}"
            raise DataError(f"{where}: expected numbers, got {got} of sample {id_!r}") from None
    return numbers


def scattered(id_: str) -> str:
    """Return what to sort by, so that the order tells nothing: ids often begin with a class."""
    return hashlib.sha256(id_.encode()).hexdigest()


def numbered(first: int, count: int) -> tuple[str, ...]:
    """Return ids that tell nothing."""
    return tuple(map(str, range(first, first + count)))
