"""What a board over runs says: who is compared under what, in which order, and who alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts.values import Measure

__all__ = ["Alone", "Board", "Boards", "Entry", "History", "Ranked", "Ranking", "RunLine", "Trend"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model, with what was put before and behind it, as one run measured it.

    Attributes:
        run: Its id.
        pipeline, step, cell: Where it stands in the run.
        method: What was chosen, in words: `small_cnn`, `small_cnn, restoration: median`.
        settings: What else tells it from the other entries, by its path in the pipeline file.
        measures: Its headline measures, by name.
    """

    run: str
    pipeline: str
    step: str
    cell: Mapping[str, str]
    method: str
    settings: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entry in the order of a measure.

    Attributes:
        entry: Its place in the board's entries.
        best, worst: Its ranks, as far as paired tests tell: 1 and 3 where it is told apart from
            nobody of three. None where no test says it.
        tied: It is not told apart from the first one.
        why: Why there is no rank; empty where there is one.
    """

    entry: int
    best: int | None = None
    worst: int | None = None
    tied: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The entries in the order of one measure, the best value first.

    Attributes:
        measure: Its name.
        order: Each entry that has it.
        tests: How many paired tests Holm's correction allowed for.
    """

    measure: str
    order: tuple[Ranked, ...]
    tests: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """Entries that were judged on the same images, under the same threat and in the same way.

    Attributes:
        id: Unique on the page.
        fields: What they have in common, in words, by `data`, `split`, `threat`, ...; all of it.
        n: How many samples the data set has.
        entries: In no order.
        rankings: For each headline measure, that of the lowest number first.
    """

    id: str
    fields: Mapping[str, str]
    n: int
    entries: tuple[Entry, ...]
    rankings: tuple[Ranking, ...] = ()


@dataclass(frozen=True, slots=True)
class Alone:
    """A board of one, which is compared with nothing.

    Attributes:
        board: It.
        nearest: The id of the board that has most in common with it; empty where none measures it.
        differs: What is not the same there: field to what it is here and there.
    """

    board: Board
    nearest: str = ""
    differs: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the history of its pipeline."""

    id: str
    started: str
    verdict: str
    line: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A gate, or a headline measure, over the runs of a pipeline.

    Attributes:
        text: The gate as written, or the measure with its step.
        limit: The number it is held against; None without one.
        points: For each run of the history what was measured, and the verdict; None for none.
    """

    text: str
    limit: float | None
    points: tuple[tuple[Measure | None, str], ...]


@dataclass(frozen=True, slots=True)
class History:
    """The runs of a pipeline, the earliest first, and what became of its figures."""

    pipeline: str
    runs: tuple[RunLine, ...]
    trends: tuple[Trend, ...]


@dataclass(frozen=True, slots=True)
class Boards:
    """All of a project.

    Attributes:
        project: What it is called.
        boards: Those with something to compare.
        alone: Those without.
        history: A history for each pipeline.
        left_out: Runs that are not read, and why.
    """

    project: str
    boards: tuple[Board, ...]
    alone: tuple[Alone, ...]
    history: tuple[History, ...]
    left_out: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no run was read."""
        return not self.history
