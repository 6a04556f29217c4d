"""What sets and numbers a step decided, counted for charts: the samples stay in the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts.values import Measure

__all__ = ["Estimate", "Estimates", "SetSizes", "SpreadBin"]


@dataclass(frozen=True, slots=True)
class SetSizes:
    """How many classes the sets of one cell hold.

    Attributes:
        step, cell: Where.
        counts: Images by the size of their set, from 0 classes up to all.
        by_class: Mean size by the name of the true class, for images that have one.
        by_rank: Mean size by the rank that the answer gives the true class, 1 where it is right:
            `1`, `2`, `3`, `4 to 6`, ... Empty where there are no probabilities.
    """

    step: str
    cell: Mapping[str, str]
    counts: tuple[int, ...]
    by_class: Mapping[str, Measure] = field(default_factory=dict)
    by_rank: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One sample: what is true, what was estimated, and the ends of its interval, if it has one."""

    true: float
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class SpreadBin:
    """Samples whose claimed standard deviations are alike: what is claimed, and what it is.

    Attributes:
        claimed: Root of their mean variance.
        rmse: Root of their mean squared error.
    """

    claimed: float
    rmse: Measure


@dataclass(frozen=True, slots=True)
class Estimates:
    """What one number of one cell was estimated to be.

    Attributes:
        step, cell: Where.
        number: What the number is: `angle_deg`.
        n: How many samples have a true one.
        shown: Some of them, chosen by their ids alone.
        level: What share of true numbers the intervals should hold.
        bins: By claimed standard deviation, as many samples in each; empty where none is claimed.
    """

    step: str
    cell: Mapping[str, str]
    number: str
    n: int
    shown: tuple[Estimate, ...]
    level: float
    bins: tuple[SpreadBin, ...] = ()
