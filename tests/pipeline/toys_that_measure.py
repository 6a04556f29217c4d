"""Toy metrics of two tables, of cells and of the tables of attacks; `conftest.py` loads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import CellMetric, Measure, MeasureInfo, Metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity import MeasuredCell, Table


class Same(Metric):
    """Compares the answers of two tables, sample by sample."""

    name: ClassVar[str] = "same"
    compares = "samples"
    wants: ClassVar[tuple[str, ...]] = ("prediction",)
    produces: ClassVar[tuple[str, ...]] = ("same_share",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        raise NotImplementedError


class Mean(CellMetric):
    """The mean of a measure over cells."""

    name: ClassVar[str] = "mean"
    measure: str = "accuracy"
    weight: float = 1.0

    def needs(self) -> tuple[str, ...]:
        return (self.measure,)

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        spread = MeasureInfo(low=0.0, title="spread", unit="px")
        return {self.measure: known.get(self.measure, MeasureInfo()), f"{self.measure}_sd": spread}

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        raise NotImplementedError


class Fooling(Metric):
    """Wants what only an attack has."""

    name: ClassVar[str] = "fooling"
    wants: ClassVar[tuple[str, ...]] = ("target", "fooled")

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        raise NotImplementedError


class Unfooled(Fooling):
    """Measures no attack."""

    name: ClassVar[str] = "unfooled"
    wants: ClassVar[tuple[str, ...]] = ("target",)
    unless: ClassVar[tuple[str, ...]] = ("start_correct",)


class Accepting(Fooling):
    """Wants what only a step that accepts answers has."""

    name: ClassVar[str] = "accepting"
    wants: ClassVar[tuple[str, ...]] = ("accepted",)


class Covering(Fooling):
    """Wants what only a step that gives sets of classes has."""

    name: ClassVar[str] = "covering"
    wants: ClassVar[tuple[str, ...]] = ("set_size",)


MEASURING = (Same, Mean, Fooling, Unfooled, Accepting, Covering)
