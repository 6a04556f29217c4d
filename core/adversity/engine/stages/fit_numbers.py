"""What a regressor learns from: the images of a step, with numbers as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.sample_columns import sample_columns
from adversity.engine.stages.fit_rows import Candidates, FitRows, fit_rows
from adversity.engine.stages.streamed_images import StreamedImages
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.fit_rows import Classes
    from adversity.engine.stages.fit_streams import StoredAnswers
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["StreamedNumbers", "require_the_same_numbers"]


class StreamedNumbers(StreamedImages):
    """The images of a step with targets `[N, D]` float64; samples without one are left out."""

    _targets: np.ndarray[Any, Any]

    def __init__(
        self,
        toolbox: Toolbox,
        planned: PlannedStep,
        cell: Cell,
        fit_on: str,
        classes: Classes,
        *,
        blind: bool = False,
        first: bool = False,
    ) -> None:
        """Read nothing yet; the arguments are those of `StreamedImages`.

        Raises:
            DataError: If the data set has no numbers, or none for any sample.
        """
        super().__init__(toolbox, planned, cell, fit_on, classes, blind=blind)  # weighed below
        if blind:
            return
        numbers = self._source.numbers
        if numbers is None or not (known := has_class(numbers)).any():
            raise DataError(
                f"{planned.line}: fit_on: {fit_on} has no numbers to learn: expected a data set whose "
                "samples have numbers as targets (target_names); those of this one are classes, or "
                "missing"
            )
        self._targets, self._labelled = numbers, True
        used = np.flatnonzero(known)
        self.left_out = len(self._source) - len(used)
        self._rows = FitRows(used)
        if first:
            columns = sample_columns(self._source, fit_on)
            given = Candidates(fit_on, self._source.ids, self._source.targets, columns, used)
            self._rows = fit_rows(planned, given, cell, toolbox.plan.spec.seed)
        self._used = self._rows.places.tolist()


def require_the_same_numbers(
    where: str, streams: Mapping[str, StreamedImages | StoredAnswers]
) -> None:
    """Refuse sources of a fit whose numbers are not those of the first.

    Args:
        where: What stands before the message.
        streams: The sources by name, the first one first.

    Raises:
        DataError: With both lists of names.
    """
    first, *others = streams.items()
    for name, stream in others:
        if not stream.blind and stream.target_names != first[1].target_names:
            raise DataError(
                f"{where}: expected the numbers of {first[0]}, {', '.join(first[1].target_names)}, in "
                f"{name}, got {', '.join(stream.target_names)}; let both hold the same"
            )
