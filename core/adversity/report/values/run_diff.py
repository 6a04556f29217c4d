"""Two runs compared image by image: what flipped, what was measured, what is not the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from adversity.report.values.paired import CellValues, cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts.values import Measure

__all__ = [
    "LEVEL",
    "Answers",
    "Change",
    "ChangeOf",
    "ComparedMeasure",
    "Flip",
    "Relabelled",
    "RunDiff",
    "RunName",
    "SharedData",
]

LEVEL = 0.05
"""Below this, after Holm's correction over all tests, a difference is more than noise."""
ChangeOf = Literal["parameter", "data", "weights", "code", "plugin", "environment"]


@dataclass(frozen=True, slots=True)
class RunName:
    """One of the two runs.

    Attributes:
        name: What it is called: a run's id, a revision.
        pipeline: The name of its pipeline.
        started: When, in UTC; empty where it is not known, as of a revision.
        verdict: Its verdict line.
    """

    name: str
    pipeline: str
    started: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Relabelled:
    """An image that both runs have under another label."""

    id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SharedData:
    """What two runs have in common of a data set, by the ids of samples.

    Attributes:
        id: The data set.
        shared: Images that both have.
        only_before, only_after: Ids that one of them has alone: they are compared with nothing.
        relabelled: Those of the shared ones whose label is another.
    """

    id: str
    shared: int
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    relabelled: tuple[Relabelled, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """An image whose answer went from right to wrong, or the other way, under the same label.

    Attributes:
        id, label: The image.
        before, after: The two answers.
        right: Whether it is right now.
    """

    id: str
    label: str
    before: str
    after: str
    right: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to the same images in one cell of a step.

    Attributes:
        step, cell: Where.
        data: The data set that the images come from.
        n: Images that both runs have.
        flips: Those that flipped.
        otherwise: How many more got another answer: wrong before and after, or without a label.
    """

    step: str
    cell: CellValues
    data: str
    n: int
    flips: tuple[Flip, ...] = ()
    otherwise: int = 0

    @property
    def to_wrong(self) -> int:
        """How many became wrong."""
        return sum(not flip.right for flip in self.flips)

    @property
    def to_right(self) -> int:
        """How many became right."""
        return sum(flip.right for flip in self.flips)


@dataclass(frozen=True, slots=True)
class ComparedMeasure:
    """A measure of one cell in both runs.

    Attributes:
        step, cell, name: Which.
        before, after: As each of the runs measured it, on its own images.
        difference: After minus before on the shared images; None where it was not compared.
        p_value: Of its test alone; None where nothing was tested.
        p_corrected: After Holm's correction over all tests of the comparison.
        why: Why it was not compared, or not tested; empty where it was.
        cannot: It is of a sort that cannot be compared image by image, whatever the runs are.
        verdicts: It is the share of right answers, whose flips are listed.
    """

    step: str
    cell: CellValues
    name: str
    before: Measure
    after: Measure
    difference: Measure | None = None
    p_value: float | None = None
    p_corrected: float | None = None
    why: str = ""
    cannot: bool = False
    verdicts: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Step and cell."""
        return self.step, cell_key(self.cell)

    @property
    def beyond_noise(self) -> bool:
        """Whether the difference is more than noise."""
        return self.p_corrected is not None and self.p_corrected < LEVEL

    @property
    def same(self) -> bool:
        """Whether all rows are the same, so that nothing differs."""
        return self.difference is not None and self.difference.method == "the same rows"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that the runs do not have in common.

    Attributes:
        of: What it is a change of.
        where: The key, the step, the file, the distribution.
        before, after: What it was and what it is; empty where there was nothing.
    """

    of: ChangeOf
    where: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RunDiff:
    """All that is said of two runs, `before` and `after`.

    Attributes:
        before, after: The runs.
        data: By data set, what they have in common.
        answers: Of each cell of each step that gives answers of its own, in the file's order.
        measures: In the file's order.
        changes: What is not the same in their files, data, weights, code.
        alone: Steps, or cells of steps, that one of the runs has alone: name to `before`, `after`.
        draws: Of the bootstrap; 0 where measures that need it were left out.
        missing: Plugins that are not installed, so that their measures were not compared.
    """

    before: RunName
    after: RunName
    data: tuple[SharedData, ...] = ()
    answers: tuple[Answers, ...] = ()
    measures: tuple[ComparedMeasure, ...] = ()
    changes: tuple[Change, ...] = ()
    alone: Mapping[str, str] = field(default_factory=dict)
    draws: int = 0
    missing: tuple[str, ...] = ()

    @property
    def tests(self) -> int:
        """How many tests Holm's correction is over."""
        return sum(one.p_value is not None for one in self.measures)
