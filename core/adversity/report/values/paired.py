"""Comparisons that are paired by sample: what a restoration gave, what of a defence was real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversity.contracts.values import Measure

__all__ = ["CellValues", "DefenceGap", "ErrorGain", "Gain", "cell_key"]

CellValues = Mapping[str, str]
"""A cell of the matrix: variable name to value as written (`{"eps": "4/255"}`); {} if none."""


def cell_key(cell: CellValues) -> str:
    """Write a cell as tables, files and messages do: `severity=3,eps=4/255`, or nothing."""
    return ",".join(f"{name}={value}" for name, value in cell.items())


@dataclass(frozen=True, slots=True)
class Gain:
    """What a restoration did to the classifier's answers, paired by sample.

    Attributes:
        step: The restoration.
        before, after: The predictions without and with it.
        cell: Which cell.
        difference: Accuracy after minus before, a paired difference.
        recovered: Samples wrong before and right after.
        broken: Samples right before and wrong after.
        p_value: Of the exact McNemar test; None where no answer changed.
    """

    step: str
    before: str
    after: str
    cell: CellValues
    difference: Measure
    recovered: int
    broken: int
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorGain:
    """What a restoration did to the numbers of a regressor, paired by sample.

    Attributes:
        step: The restoration.
        before, after: The estimates without and with it.
        cell: Which cell.
        difference: RMSE before minus after, a paired difference; its p-value in the details.
        nearer: Samples whose absolute error is smaller after.
        further: Samples whose absolute error is larger after.
    """

    step: str
    before: str
    after: str
    cell: CellValues
    difference: Measure
    nearer: int
    further: int


@dataclass(frozen=True, slots=True)
class DefenceGap:
    """How much of a defence an attacker who knows it takes away, paired by sample.

    Two attack steps are compared: the same plugin and parameters, the same images, the same
    answer attacked. One computes on the classifier alone, the other through the defence.

    Attributes:
        defence: The steps that the grey-box attacker does not see, in order.
        grey_box, adaptive: The attack steps.
        attack: Their plugin's name.
        cell: Which cell.
        seeming: Robust accuracy where the attacker does not know the defence.
        actual: Robust accuracy where it does.
        both: Share of the samples that withstood both: the most that may be claimed.
        difference: Seeming minus actual, a paired difference.
        fell: Samples that withstood the grey-box attack and fell to the adaptive one.
        held: Samples that withstood the adaptive attack and fell to the grey-box one.
        p_value: Of the exact McNemar test.
    """

    defence: tuple[str, ...]
    grey_box: str
    adaptive: str
    attack: str
    cell: CellValues
    seeming: Measure
    actual: Measure
    both: Measure
    difference: Measure
    fell: int
    held: int
    p_value: float | None = None
