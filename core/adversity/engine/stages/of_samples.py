"""Columns that a table has from its data set: the samples' groups and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.data.sample_columns import grouped_counts, sample_columns

if TYPE_CHECKING:
    import numpy as np

    from adversity.data.reading import Source
    from adversity.engine.stages.columns import Columns

__all__ = ["OfSamples"]


class OfSamples:
    """What a data set says of its samples, looked up by their ids.

    Attributes:
        notes: What must be said where samples come in groups.
    """

    def __init__(self, source: Source, data: str) -> None:
        """Read the index of a data set.

        Args:
            source: The data set.
            data: Its name, for messages.

        Raises:
            DataError: If an attribute is a text here and a number there.
        """
        self._columns = sample_columns(source, f"data {data!r}")
        self._places = {id_: i for i, id_ in enumerate(source.ids)} if self._columns else {}
        self.notes: tuple[str, ...] = ()
        if counts := grouped_counts(source):
            many, groups = counts
            said = (
                f"{many} of {len(source)} samples share their group with others, in {groups} groups"
            )
            so = "intervals and tests count what a group says and not each of its samples"
            self.notes = (f"{data}: {said}; {so}",)

    def of(self, ids: np.ndarray[Any, Any]) -> Columns:
        """Return the columns of some samples, in the order of the ids; none where there are none."""
        places = [self._places[id_] for id_ in ids] if self._columns else []
        return {name: column[places] for name, column in self._columns.items()}
