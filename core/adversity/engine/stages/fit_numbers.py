"""What a regressor learns from: the images of a step, with numbers as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts.targets import has_class
from adversity.engine.stages.streamed_images import StreamedImages
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from adversity.engine.stages.fit_streams import StoredAnswers
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["StreamedNumbers", "require_the_same_numbers"]


class StreamedNumbers(StreamedImages):
    """The images of a step with targets `[N, D]` float64; samples without one are left out."""

    def _known(self, planned: PlannedStep) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Take numbers as targets; return which samples have one.

        Raises:
            DataError: If the data set has no numbers, or none for any sample.
        """
        numbers = self._source.numbers
        if numbers is None or not (known := has_class(numbers)).any():
            raise DataError(
                f"{planned.line}: fit_on: {self.step} has no numbers to learn: expected a data set whose "
                "samples have numbers as targets (target_names); those of this one are classes, or "
                "missing"
            )
        self._targets = numbers
        return known


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
