"""Accuracy of a table of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import by_row, class_targets, form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from adversity import Measure, Table

__all__ = ["Accuracy"]


class Accuracy(Metric):
    """Share of images whose true class is predicted, alone and among the first five.

    The top-5 accuracy is given where there are more than five classes. Where a step leaves some of
    its network's classes (`classes:`), `accuracy_of_all` is the accuracy over all of them.
    """

    name = "accuracy"
    always = True
    wants = ("target", "correct")
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "accuracy": MeasureInfo(
            0.0, 1.0, better="higher", scale="share", group="accuracy", headline=1
        ),
        "accuracy_top5": MeasureInfo(
            0.0, 1.0, title="top-5 accuracy", better="higher", scale="share"
        ),
        "accuracy_of_all": MeasureInfo(
            0.0,
            1.0,
            title="accuracy over all classes of the network",
            better="higher",
            scale="share",
            group="accuracy",
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `accuracy`, and `accuracy_top5` where it means something."""
        if class_targets(table) is None:
            return {}
        measures = {"accuracy": metrics.accuracy_of(table["correct"])}
        if _has_top5(table):
            right, tied = by_row(table, metrics.ranks, top=5)
            measures["accuracy_top5"] = metrics.accuracy_of_ranks(right, tied, top=5)
        if table.has("correct_of_all"):
            measures["accuracy_of_all"] = metrics.accuracy_of(table["correct_of_all"])
        return measures

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return which rows are right, alone and among the first five."""
        columns = {"accuracy": "correct", "accuracy_of_all": "correct_of_all"}
        values: dict[str, Callable[[], np.ndarray[Any, Any]]] = {
            name: partial(table.__getitem__, column)
            for name, column in columns.items()
            if table.has(column)
        }
        if class_targets(table) is not None and _has_top5(table):
            values["accuracy_top5"] = lambda: by_row(table, metrics.ranks, top=5)[0]
        return _WhenAsked(values)


class _WhenAsked(Mapping[str, "np.ndarray[Any, Any]"]):
    """Values by the name of their measure, read or computed when they are asked for.

    Whoever pairs the accuracy of two runs needs no ranks, which look at every score of a row.
    """

    def __init__(self, values: Mapping[str, Callable[[], np.ndarray[Any, Any]]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        return self._values[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _has_top5(table: Table) -> bool:
    """Say whether being among the first five means something: there are more than five classes."""
    answer = form(table)
    return table.has(answer) and next(table.parts())[answer].shape[1] > 5
