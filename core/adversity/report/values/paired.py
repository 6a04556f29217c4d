"""Comparisons that are paired by sample: what a restoration gave, what of a defence was real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversity.contracts.values import Measure

__all__ = [
    "CALIBRATED",
    "HARMS",
    "HELPS",
    "NO_EVIDENCE",
    "TEST_TIME",
    "TRAINED",
    "CellValues",
    "Change",
    "DefenceGap",
    "ErrorGain",
    "Gain",
    "cell_key",
    "word",
]

TEST_TIME = "enhanced at test time only"
CALIBRATED = "calibrated again"
TRAINED = "trained again"
HELPS, HARMS, NO_EVIDENCE = "helps", "harms the classifier", "no evidence"
_WORDS = {
    "accuracy": (HELPS, HARMS),
    "p_true": ("surer of the truth", "less sure of the truth"),
}
"""Which measures get a word, for a change to the better and to the worse."""
_LEVEL = 0.05

CellValues = Mapping[str, str]
"""A cell of the matrix: variable name to value as written (`{"eps": "4/255"}`); {} if none."""


def cell_key(cell: CellValues) -> str:
    """Write a cell as tables, files and messages do: `severity=3,eps=4/255`, or nothing."""
    return ",".join(f"{name}={value}" for name, value in cell.items())


def word(measure: str, difference: Measure, p_holm: float | None) -> str:
    """Say in a word what a change of a measure shows; empty for measures that get none.

    Args:
        measure: Its name.
        difference: After minus before; larger values are better.
        p_holm: Its p-value after the correction for all that are looked at together.
    """
    if measure not in _WORDS:
        return ""
    if p_holm is None or p_holm >= _LEVEL or difference.value == 0:
        return NO_EVIDENCE
    better, worse = _WORDS[measure]
    return better if difference.value > 0 else worse


@dataclass(frozen=True, slots=True)
class Change:
    """What a restoration did to one measure, paired by sample where it is a mean over them.

    Attributes:
        measure: Its name: of the answers (`p_true`), or of the images (`psnr_db`).
        before, after: Its value without and with the restoration.
        difference: After minus before; without an interval where no sample tells of it (`ece`).
        p_value: Of the difference alone; None where nothing is tested.
        p_holm: The same after Holm's correction for this measure in all gains of the report.
        finding: What that shows, in a word; empty for measures that get none.
    """

    measure: str
    before: float
    after: float
    difference: Measure
    p_value: float | None = None
    p_holm: float | None = None
    finding: str = ""


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
        p_holm: The same after Holm's correction for all gains of the report.
        finding: What that shows: `helps`, `harms the classifier`, or `no evidence`.
        protocol: What changed beside the images: nothing (`enhanced at test time only`), or what
            the answers were fitted on (`calibrated again`, `trained again`).
        changes: Every other measure that both have and of which one sign is good.
    """

    step: str
    before: str
    after: str
    cell: CellValues
    difference: Measure
    recovered: int
    broken: int
    p_value: float | None = None
    p_holm: float | None = None
    finding: str = NO_EVIDENCE
    protocol: str = TEST_TIME
    changes: tuple[Change, ...] = ()


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
