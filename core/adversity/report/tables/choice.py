"""Rows and columns of a table of figures: what is chosen, what is left open, what is told apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError
from adversity.report.doubts.void_figures import why_void
from adversity.report.tables.figures import figures
from adversity.report.tables.heads import (
    MEASURE,
    NONE,
    STEP,
    as_given,
    differing,
    facets_of,
    fixed_in,
    is_asked,
    label_of,
    numbers_in,
    said_twice,
    same_value,
    values_of,
)
from adversity.report.values.apart import judged_steps
from adversity.report.values.data_versions import data_of
from adversity.report.values.paired import cell_key
from adversity.report.words.wording import capital, measure_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.report.tables.figures import Figure
    from adversity.report.values.compared import Comparison
    from adversity.report.values.model import DataSummary, Report

__all__ = ["Choice", "Entry", "ResultTable", "Results"]

Mark = Literal["", "best", "tied"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a table shall show.

    Attributes:
        measures: Names; empty for the first headline measures that there are.
        rows, columns: Facets: `restoration`, `severity`, `step`, `measure`, ...; empty for what the
            figures differ in, methods as rows and conditions as columns.
        where: Facet to the value that figures must have.
    """

    measures: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure in a table.

    Attributes:
        figure: The figure.
        mark: `best`: better than each other of its column by the paired differences. `tied`: not
            told apart from the best of its column.
        void: Why the report does not believe it; empty where it does.
        data: The data set whose samples it counts, as it was used; None where the report has none.
    """

    figure: Figure
    mark: Mark = ""
    void: str = ""
    data: DataSummary | None = None


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Figures in rows and columns.

    Attributes:
        id: For files and references: `accuracy`.
        title: The measure, as a reader calls it.
        heads: The facets that a row is told by.
        rows: Their values, for each row.
        columns: A label for each column.
        entries: For each row, one for each column; None where there is no figure.
        fixed: Facets that are the same in the whole table.
        comparisons: How many paired comparisons the correction allowed for; 0 where none was made.
    """

    id: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    entries: tuple[tuple[Entry | None, ...], ...]
    fixed: Mapping[str, str]
    comparisons: int = 0

    @property
    def shown(self) -> tuple[Entry, ...]:
        """All entries there are."""
        return tuple(entry for row in self.entries for entry in row if entry is not None)


class Results:
    """The figures of a run, out of which tables are made."""

    def __init__(self, report: Report) -> None:
        """Gather them.

        Args:
            report: Of the run; of one that was read back, figures, caveats and comparisons do.
        """
        self._report = report
        self.figures = figures(judged_steps(report.steps, report.gates), report.sides)
        self._steps = {step.id: step for step in report.steps}
        self._pairs = {
            frozenset({_place(pair, first=True), _place(pair, first=False)}): pair
            for pair in report.compared.pairs
        }

    def tables(self, choice: Choice) -> list[ResultTable]:
        """Return a table for each measure; one for all where rows or columns are measures.

        Raises:
            InputError: If a measure, a facet or a value is unknown, or if rows and columns leave
                something open, so that several figures would share a place.
        """
        names = self._measures(choice.measures)
        own = [figure for figure in self.figures if figure.measure in names]
        asked = (*choice.rows, *choice.columns)
        _known((*asked, *choice.where), own)
        own = _chosen(own, choice.where)
        if MEASURE in asked:
            return [self._table(own, choice, "results")]
        each = [[item for item in own if item.measure == name] for name in names]
        return [self._table(part, choice, name) for name, part in zip(names, each, strict=True)]

    def _measures(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return what is asked for, or the first headline measures; in the order of the report."""
        known = {figure.measure: figure.mean for figure in self.figures}
        for name in wanted:
            if name not in known:
                listed = ", ".join(known) or "none"
                hint = did_you_mean(name, known, f"there are {listed}.")
                raise InputError(f"expected a measure of this run, got {name}; {hint}")
        if wanted:
            return tuple(dict.fromkeys(wanted))
        headlines = [measure.info.headline for measure in known.values() if measure.info.headline]
        first = min(headlines, default=0)
        return tuple(name for name, item in known.items() if item.info.headline == first)

    def _table(self, own: Sequence[Figure], choice: Choice, id_: str) -> ResultTable:
        heads, across = self._sides(own, choice)
        every = [facets_of(figure) for figure in own]
        same, twice = as_given(every, across), said_twice(every, across)
        rows = list(dict.fromkeys(values_of(facets_of(item), heads) for item in own))
        places = list(dict.fromkeys(values_of(facets_of(item), across) for item in own))
        columns = sorted(places, key=lambda values: (is_asked(values), numbers_in(values)))
        placed: dict[tuple[tuple[str, ...], tuple[str, ...]], Figure] = {}
        for item in own:
            facets = facets_of(item)
            place = (values_of(facets, heads), values_of(facets, across))
            if place in placed:
                raise InputError(self._open(placed[place], item, (*heads, *across)))
            placed[place] = item
        entries = [[self._entry(placed.get((row, column))) for column in columns] for row in rows]
        marked = [self._marked([line[at] for line in entries]) for at in range(len(columns))]
        names = {figure.measure for figure in own}
        return ResultTable(
            id=id_,
            title=capital(", ".join(dict.fromkeys(measure_name(i.measure, i.mean) for i in own))),
            heads=heads,
            rows=tuple(rows),
            columns=tuple(label_of(across, values, {*same, *twice}) for values in columns),
            entries=tuple(zip(*marked, strict=True)),
            fixed=fixed_in([figure.facets for figure in own], (*heads, *across)) | same,
            comparisons=sum(pair.measure in names for pair in self._report.compared.pairs),
        )

    def _sides(
        self, own: Sequence[Figure], choice: Choice
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the facets of rows and of columns: as chosen, else those that differ."""
        if choice.rows and choice.columns:
            return choice.rows, choice.columns
        taken = {*choice.rows, *choice.columns}
        open_ = [name for name in differing([f.facets for f in own]) if name not in taken]
        if choice.rows:
            return choice.rows, tuple(open_)
        if choice.columns:
            return tuple(open_) or ("restoration",), choice.columns
        methods = tuple(name for name in open_ if any(name in f.method for f in own))
        given = tuple(name for name in open_ if name not in methods)
        if not methods and "attack" in given:
            methods, given = ("attack",), tuple(name for name in given if name != "attack")
        return methods or ("restoration",), given

    def _open(self, first: Figure, second: Figure, taken: Sequence[str]) -> str:
        ours, theirs = facets_of(first), facets_of(second)
        names = [*dict.fromkeys((*ours, *theirs))]
        differ = [name for name in names if ours.get(name) != theirs.get(name)]
        left = [name for name in differ if name not in taken and name != STEP] or [STEP]
        values = ", ".join(f"{n} ({ours.get(n, NONE)}, {theirs.get(n, NONE)})" for n in left)
        return (
            f"expected one figure for each row and column, but these leave open {values}; add "
            f"{left[0]} to --rows or --columns, or choose with --where "
            f"{left[0]}={ours.get(left[0], NONE)}"
        )

    def _entry(self, figure: Figure | None) -> Entry | None:
        if figure is None:
            return None
        step = self._steps[figure.step]
        cell = next(one for one in step.shown if dict(one.cell) == dict(figure.cell))
        caveats = self._report.caveats
        why = why_void(figure.measure, step, cell, steps=self._steps, caveats=caveats)
        return Entry(figure, void=why, data=data_of(step, cell.cell, self._report.data))

    def _marked(self, column: Sequence[Entry | None]) -> list[Entry | None]:
        """Mark the best of a column, or those that cannot be told from it."""
        there = [entry for entry in column if entry is not None and not entry.void]
        better = there[0].figure.mean.better if there else None
        if len(there) < 2 or better is None or len({e.figure.measure for e in there}) > 1:
            return list(column)
        best = (max if better == "higher" else min)(there, key=lambda e: e.figure.mean.value)
        pairs = {id(e): self._pair(best, e) for e in there if e is not best}
        if any(pair is None for pair in pairs.values()):
            return list(column)
        near = {key for key, pair in pairs.items() if pair is not None and not pair.is_apart}
        marks: dict[int, Mark] = dict.fromkeys(near, "tied")
        marks[id(best)] = "tied" if near else "best"
        return [
            entry if entry is None else replace(entry, mark=marks.get(id(entry), ""))
            for entry in column
        ]

    def _pair(self, first: Entry, second: Entry) -> Comparison | None:
        places = [
            (e.figure.measure, e.figure.step, cell_key(e.figure.cell)) for e in (first, second)
        ]
        return self._pairs.get(frozenset(places))


def _place(pair: Comparison, *, first: bool) -> tuple[str, str, str]:
    step, cell = (pair.first, pair.first_cell) if first else (pair.second, pair.second_cell)
    return pair.measure, step, cell_key(cell)


def _chosen(own: Sequence[Figure], where: Mapping[str, str]) -> list[Figure]:
    """Return the figures that have these values; numbers are compared as numbers."""
    kept = list(own)
    for name, value in where.items():
        values = dict.fromkeys(facets_of(figure).get(name, NONE) for figure in kept)
        kept = [figure for figure in kept if same_value(facets_of(figure).get(name, NONE), value)]
        if not kept:
            raise InputError(
                f"expected a value of {name} that the figures of this table have, got {value}; "
                f"there are {', '.join(values)}"
            )
    return kept


def _known(names: Sequence[str], own: Sequence[Figure]) -> None:
    known = [*dict.fromkeys(name for figure in own for name in facets_of(figure))]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, f"there are {', '.join(known)}.")
            raise InputError(f"expected something that figures differ in, got {name}; {hint}")
