"""Find things in a report: axes of the matrix, measures along a path, labels that are unique."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeGuard

from adversity.contracts.measure_info import MeasureInfo
from adversity.report.words.wording import measure_name, parse_number, plain, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, Gain, Report, StepSummary

_Said = dict[frozenset[tuple[str, str]], "Measure"]
Figures = Sequence[tuple["StepSummary", "CellResult", "Measure"]]
"""A measure with the step and the cell it belongs to."""

__all__ = [
    "Figures",
    "across",
    "grouped",
    "images_before",
    "is_number",
    "labels",
    "matching",
    "measured",
    "record",
    "slug",
    "titles",
    "views",
    "with_words",
    "without_echoes",
]


def measured(
    report: Report, name: str, *, makes: Sequence[str] | None = None, each_seed: bool = False
) -> Iterator[tuple[StepSummary, CellResult, Measure]]:
    """Go through all cells that have a measure, in the file's order.

    Args:
        report: The report.
        name: Of the measure.
        makes: Only of steps that make one of these.
        each_seed: Every cell, not the means over seeds: for what has no mean, as a curve.
    """
    for step in report.steps:
        if makes is not None and step.makes not in makes:
            continue
        for cell in step.cells if each_seed else step.shown:
            if name in cell.measures:
                yield step, cell, cell.measures[name]


def with_words(
    steps: Iterable[StepSummary], known: Mapping[str, MeasureInfo]
) -> tuple[StepSummary, ...]:
    """Return steps whose measures know what is known of them.

    Args:
        steps: With measures as they were stored.
        known: By the measures' names; of others nothing is known.
    """
    nothing = MeasureInfo()
    return tuple(
        replace(
            step,
            cells=tuple(
                replace(
                    cell,
                    measures={
                        name: measure.known_as(known.get(name, nothing))
                        for name, measure in cell.measures.items()
                    },
                )
                for cell in step.cells
            ),
        )
        for step in steps
    )


def grouped(steps: Iterable[StepSummary], group: str) -> list[str]:
    """Return the names of the measures of a group: headline measures first, else as they come."""
    places: dict[str, float] = {}
    for step in steps:
        for cell in step.cells:
            for name, measure in cell.measures.items():
                if measure.info.group == group:
                    places.setdefault(name, measure.info.headline or math.inf)
    return sorted(places, key=places.__getitem__)


def titles(steps: Iterable[StepSummary], names: Sequence[str]) -> dict[str, str]:
    """Return what a reader calls these measures, by name."""
    titles_by_name = {name: name.replace("_", " ") for name in names}
    for step in steps:
        for cell in step.cells:
            own = {name: cell.measures[name] for name in names if name in cell.measures}
            titles_by_name.update(
                {name: measure_name(name, measure) for name, measure in own.items()}
            )
    return titles_by_name


def across(cells: Iterable[CellResult | Gain], prefer: str) -> str | None:
    """Choose the matrix variable for the x axis: numeric, with at least two values.

    Args:
        cells: The cells that shall be drawn.
        prefer: Taken if it qualifies, for example `severity`.
    """
    values: dict[str, set[str]] = {}
    for cell in cells:
        for name, value in cell.cell.items():
            values.setdefault(name, set()).add(value)
    usable = [
        name
        for name, seen in values.items()
        if len(seen) > 1 and all(parse_number(value) is not None for value in seen)
    ]
    if prefer in usable:
        return prefer
    return usable[0] if usable else None


def views(report: Report, step: StepSummary) -> tuple[str, ...]:
    """Return the image-making steps on the path to a step, without the data set."""
    kinds = {item.id: item.makes for item in report.steps}
    return tuple(name for name in step.path if kinds.get(name) in ("images", "adversarial"))


def images_before(report: Report, step: StepSummary) -> tuple[str, ...]:
    """Return data set and views of a step: what its classifier was shown."""
    start = () if step.data is None else (step.data,)
    return (*start, *views(report, step))


def labels(report: Report, steps: Iterable[StepSummary]) -> dict[str, str]:
    """Name each step by what its images went through; by its id too where that is shared."""
    chosen = {step.id: step for step in steps}
    roots = {step.data for step in chosen.values()}
    names, images = {}, {item.name: item.images for item in report.data}
    for step in chosen.values():
        if not step.path:  # it fits a plugin, and no image goes through it
            names[step.id] = step.id
            continue
        root = f"{step.data}: " if len(roots) > 1 and step.data is not None else ""
        start = images.get(step.data or "", "clean")
        names[step.id] = root + (" → ".join(views(report, step)) or start)
    shared = [name for name in names.values() if list(names.values()).count(name) > 1]
    several = {step.id for step in report.steps if len(step.source) > 1}
    # What a metric compares or folds, and what more an ensemble goes by, does not show in what
    # its images went through.
    more = {
        key for key, step in chosen.items() if step.makes == "measure" or several & {*step.path}
    }
    return {
        key: plain(f"{name} ({key})" if name in shared or key in more else name)
        for key, name in names.items()
    }


def matching(step: StepSummary | None, cell: Mapping[str, str]) -> CellResult | None:
    """Return the step's cell that agrees with `cell` in every variable it has.

    One without seeds is met by the mean over seeds, one with a seed by that of the same seed.
    """
    if step is None:
        return None
    return next(
        (
            item
            for item in (*step.cells, *step.over_seeds)
            if all(cell.get(name) == value for name, value in item.cell.items())
        ),
        None,
    )


def without_echoes(report: Report, figures: Figures) -> Figures:
    """Leave out scores and metrics that say of the same images what another step says.

    A step with more variables, such as one for each of several scores, repeats another if each of
    its cells does.
    """
    cells_of: dict[str, list[tuple[Mapping[str, str], Measure]]] = {}
    for step, cell, measure in figures:
        cells_of.setdefault(step.id, []).append((cell.cell, replace(measure, details={})))
    seen: list[tuple[tuple[str, ...], _Said]] = []
    distinct = set()
    for step in report.steps:
        if step.id in cells_of:
            images, own = images_before(report, step), cells_of[step.id]
            told = any(images == others and _repeats(own, cells) for others, cells in seen)
            if not told or step.kind not in ("uncertainty", "metric"):
                seen.append((images, {frozenset(cell.items()): said for cell, said in own}))
                distinct.add(step.id)
    return [item for item in figures if item[0].id in distinct]


def _repeats(own: Iterable[tuple[Mapping[str, str], Measure]], other: _Said) -> bool:
    """Say whether each cell says what another step says in the cell of its own variables."""
    names = {name for cell in other for name, _ in cell}
    return all(
        other.get(frozenset(item for item in cell.items() if item[0] in names)) == measure
        for cell, measure in own
    )


def record(measure: Measure, **more: Any) -> dict[str, Any]:
    """Return a chart record: more columns first, then value, interval and n."""
    shown = written(measure)
    return {
        **more,
        "value": shown.value,
        "low": shown.value if shown.low is None else shown.low,
        "high": shown.value if shown.high is None else shown.high,
        "n": shown.n,
    }


def panel(cell: Mapping[str, str], axis: str | None) -> str:
    """Write what a cell says beside the axis variable, in few letters: a legend has little room.

    A name speaks for itself; a number, or a yes or no, has its variable in front of it.

    Example:
        >>> panel({"corruption": "snow", "refused": "0.3", "severity": "1"}, "severity")
        'snow, refused = 0.3'
    """
    return plain(
        ", ".join(
            value if _is_name(value) else f"{name} = {value}"
            for name, value in cell.items()
            if name != axis
        )
    )


def _is_name(value: str) -> bool:
    """Say whether a value is one that a reader knows without its variable."""
    bare = value.lower() in {"", "true", "false", "none", "null", "yes", "no", "on", "off"}
    return not bare and parse_number(value) is None


def is_number(value: object, low: float = -math.inf, high: float = math.inf) -> TypeGuard[float]:
    """Say whether something is a finite number, and one between two ends.

    What stands in `Measure.details` under a name that we know may be another author's.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return math.isfinite(value) and low <= float(value) <= high


def slug(text: str) -> str:
    """Return text as an id for anchors and file names: `a-z`, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
