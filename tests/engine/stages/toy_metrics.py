"""Metrics that say what they were given: tables, pairs of tables, cells, images alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import CellMetric, Degradation, Measure, MeasureInfo, Metric, NoReferenceMetric
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity import MeasuredCell, Table


class Same(Metric):
    """The share of samples with the same answer in two tables."""

    name: ClassVar[str] = "same"
    compares = "samples"
    wants: ClassVar[tuple[str, ...]] = ("prediction",)
    produces: ClassVar[tuple[str, ...]] = ("same_share",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        assert reference is not None
        equal = table["prediction"] == reference["prediction"]
        return {"same_share": Measure(float(equal.mean()), len(equal))}

    def per_pair(self, table: Table, reference: Table) -> Mapping[str, Any]:
        return {"same_share": table["prediction"] == reference["prediction"]}


class More(Metric):
    """How much surer one table is than another, of whatever data."""

    name: ClassVar[str] = "more"
    compares = "tables"
    wants: ClassVar[tuple[str, ...]] = ("confidence",)
    produces: ClassVar[tuple[str, ...]] = ("surer",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        assert reference is not None
        gap = table["confidence"].mean() - reference["confidence"].mean()
        return {"surer": Measure(float(gap), len(table) + len(reference))}


class Seen(CellMetric):
    """Says which cells it got: their values, an accuracy and a number of rows, as digits."""

    name: ClassVar[str] = "seen"
    measure: str = "accuracy"

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        return {"seen": MeasureInfo(title=f"seen {self.measure}", unit=known[self.measure].unit)}

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        details = {
            "values": [dict(cell.values) for cell in cells],
            "measured": [cell.measures[self.measure].value for cell in cells],
            "rows": [len(cell.table) for cell in cells],
            "units": [cell.measures[self.measure].info.unit for cell in cells],
        }
        return {"seen": Measure(1.0, len(cells), details=details)}


class Bright(NoReferenceMetric):
    """The mean of an image, which is compared with nothing."""

    name: ClassVar[str] = "bright"
    produces: ClassVar[tuple[str, ...]] = ("brightness",)

    def measure(self, images: Tensor) -> Tensor:
        return images.double().mean((1, 2, 3))

    def convention(self) -> Mapping[str, object]:
        return {"channels": "all"}


class Tall(Bright):
    """As bright, of images of 100 pixels and more."""

    name: ClassVar[str] = "tall"
    smallest: ClassVar[int] = 100


class Odd(Same):
    """Gives more values than there are samples."""

    name: ClassVar[str] = "odd"

    def per_pair(self, table: Table, reference: Table) -> Mapping[str, Any]:
        return {"same_share": np.ones(len(table) + 1)}


class Fussy(Metric):
    """Refuses every table."""

    name: ClassVar[str] = "fussy"

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        raise InputError("fussy: expected another table")


class FussyCells(CellMetric):
    """Refuses all cells."""

    name: ClassVar[str] = "fussy_cells"

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        raise InputError("fussy_cells: expected other cells")


class Nothing(Degradation):
    """Leaves images as they are."""

    name: ClassVar[str] = "nothing"

    def degrade(self, images: Tensor, rng: Any) -> Tensor:
        return images


TOYS = (Same, More, Seen, Bright, Tall, Odd, Fussy, FussyCells, Nothing)
