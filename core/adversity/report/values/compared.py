"""Methods against each other, as values: which side a variable is on, and paired differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from adversity.contracts.values import Measure
    from adversity.report.values.paired import CellValues

__all__ = ["CONDITION", "METHOD", "SEED", "TOLD_APART", "Compared", "Comparison", "Side"]

Side = Literal["method", "condition", "seed"]
METHOD: Side = "method"
CONDITION: Side = "condition"
SEED: Side = "seed"
TOLD_APART = 0.05
"""Two methods are told apart where Holm's p-value of their difference is below this."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of a measure between two methods under one condition, paired by sample.

    Attributes:
        measure: Its name.
        first, second: The two steps.
        first_cell, second_cell: Their cells, without seeds.
        difference: First minus second on the same samples, over the seeds where there are several;
            `n` counts samples.
        seeds: How many pairs of cells went into it.
        p_value: Of the difference alone; None where nothing varies.
        holm: The same after Holm's correction for all comparisons of the measure in the run.
    """

    measure: str
    first: str
    second: str
    first_cell: CellValues
    second_cell: CellValues
    difference: Measure
    seeds: int = 1
    p_value: float | None = None
    holm: float | None = None

    @property
    def is_apart(self) -> bool:
        """Whether the two are told apart after the correction."""
        return self.holm is not None and self.holm < TOLD_APART


@dataclass(frozen=True, slots=True)
class Compared:
    """All paired comparisons of a run.

    Attributes:
        pairs: In the order of the steps.
        left_out: Why measures are missing, in sentences.
    """

    pairs: tuple[Comparison, ...] = ()
    left_out: tuple[str, ...] = ()
