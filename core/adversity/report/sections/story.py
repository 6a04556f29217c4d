"""What happened, in a few sentences made from the figures: the first thing that a reader sees.

Each sentence speaks of one figure of the run, chosen by a rule that it names, and gives its
interval. A figure that the report does not believe is spoken of only where there is no other, and
marked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from adversity.report.doubts.void_figures import VOID, is_void
from adversity.report.sections.attack_story import attack_sentence
from adversity.report.values.apart import judged_steps
from adversity.report.values.blocks import Text
from adversity.report.words.counting import count_text, figure_text, hits
from adversity.report.words.reading import matching
from adversity.report.words.wording import (
    cell_text,
    change_text,
    measure_name,
    plain,
    plural,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, CellValues, Gain, Report, StepSummary

__all__ = ["hardest_cell", "story", "story_lines"]

_ANSWERS = ("accuracy", "regression")
"""The groups of measures that say how good answers are."""


class _Figure(NamedTuple):
    step: StepSummary
    cell: CellResult
    name: str
    measure: Measure


class _Change(NamedTuple):
    """What one restoration changed in one cell; `flips` says how many answers, where they count."""

    step: str
    after: str
    cell: CellValues
    difference: Measure
    flips: str = ""


def story(report: Report) -> tuple[Text, ...]:
    """Return at most three paragraphs: degraded, restored, attacked; fewer where less was done."""
    figures = [_Figure(*item) for item in _answers(report)]
    hard = _hardest(report, figures)
    parts = [_begin(report, figures, hard), *_restored(report, hard), *attack_sentence(report)]
    return tuple(Text(plain(text), lead=lead) for lead, text in parts if text)


def story_lines(report: Report) -> tuple[str, ...]:
    """Return the story as a terminal and a record say it: one line a paragraph."""
    return tuple(f"{text.lead} {text.text}" for text in story(report))


def hardest_cell(report: Report) -> dict[str, str]:
    """Return the cell of the degraded images that the story speaks of; empty without any."""
    hard = _hardest(report, [_Figure(*item) for item in _answers(report)])
    return {} if hard is None else dict(hard.cell.cell)


def _answers(report: Report) -> Iterator[tuple[StepSummary, CellResult, str, Measure]]:
    """Go through the first measure of every answer to images that nobody attacked."""
    attacks = {step.id for step in report.steps if step.kind == "attack"}
    for step in judged_steps(report.steps, report.gates):
        if step.makes not in ("predictions", "numbers") or attacks & {*step.path}:
            continue
        for cell in step.shown:
            for name, measure in cell.measures.items():
                info = measure.info
                if info.headline == 1 and info.group in _ANSWERS and measure.better:
                    yield step, cell, name, measure
                    break


def _hardest(report: Report, figures: Sequence[_Figure]) -> _Figure | None:
    """Return the worst figure of degraded images, of believed ones that restorations start from.

    The first one in the file's order, where several are as bad.
    """
    kinds = {step.id: step.kind for step in report.steps}
    degraded = [
        figure
        for figure in figures
        if "degradation" in {kinds.get(place) for place in figure.step.path}
    ]
    started = {gain.before for gain in report.gains}
    for better in (
        [figure for figure in degraded if figure.step.id in started],
        [f for f in degraded if "restoration" not in {kinds.get(p) for p in f.step.path}],
    ):
        degraded = better or degraded
    believed = [f for f in degraded if not is_void(report, f.name, f.step, f.cell)]
    return min(believed or degraded, key=_goodness, default=None)


def _goodness(figure: _Figure) -> float:
    value = figure.measure.value
    return -value if figure.measure.better == "lower" else value


def _begin(report: Report, figures: Sequence[_Figure], hard: _Figure | None) -> tuple[str, str]:
    """Say what the classifier makes of images as they are, and of the hardest ones."""
    clean = _undegraded(figures, hard)
    start = "" if clean is None else f"As they are, {_said(report, clean)}."
    if hard is None:
        return ("Answers.", start)
    cells = [figure for figure in figures if figure.step.id == hard.step.id]
    place = cell_text(hard.cell.cell)
    worst = f", the worst of {len(cells)} cells" if len(cells) > 1 else ""
    changes = {step.id for step in report.steps if step.makes == "images"}
    through = " and ".join(_named(report, name) for name in hard.step.path if name in changes)
    again = clean is not None and clean.measure.n == hard.measure.n
    where = f"Through {through}{f' at {place}' if place else ''}{worst}"
    return ("Degraded.", f"{start} {where}, {_said(report, hard, again=again)}.".strip())


def _named(report: Report, name: str) -> str:
    """Write a step with its plugin: `noisy (gaussian_noise)`."""
    uses = next((step.uses for step in report.steps if step.id == name), "")
    method = uses.partition("/")[2].rpartition("/")[2]
    return name if not method or method == name or method.startswith("$") else f"{name} ({method})"


def _undegraded(figures: Sequence[_Figure], hard: _Figure | None) -> _Figure | None:
    """Return the figure of the same classifier on images as they are, where that is clear.

    Without degraded images: the only one of all.
    """
    direct = [figure for figure in figures if len(figure.step.path) == 2]
    if hard is None:
        return direct[0] if len(direct) == 1 else None
    alike = [
        figure
        for figure in direct
        if (figure.step.uses, figure.step.data) == (hard.step.uses, hard.step.data)
        and figure.name == hard.name
    ]
    if len({figure.step.id for figure in alike}) != 1:
        return None
    cell = matching(alike[0].step, hard.cell.cell)
    return next((figure for figure in alike if figure.cell is cell), None)


def _said(report: Report, figure: _Figure, *, again: bool = False) -> str:
    """Write a figure: how many of a data set's images are recognised, or the measure."""
    shown, n = figure_text(figure.measure), figure.measure.n
    mark = f"{VOID}: " if is_void(report, figure.name, figure.step, figure.cell) else ""
    if figure.name != "accuracy":
        name = measure_name(figure.name, figure.measure)
        return f"{mark}the {name} of {figure.step.id} is {shown}, n = {n:,}"
    count = hits(figure.measure)
    if again and count is not None:
        return f"{mark}{count:,} still are, {shown}"
    return (
        f"{mark}{count_text(figure.measure)} images of {figure.step.data} are recognised, {shown}"
    )


def _restored(report: Report, hard: _Figure | None) -> Iterator[tuple[str, str]]:
    """Say what the best restoration made of the hardest images, and that it was chosen."""
    changes = [] if hard is None else list(_changes(report, hard))
    if hard is not None and changes:
        best = max(changes, key=lambda change: change.difference.value)
        yield "Restored.", _change_text(report, hard, best, len({one.step for one in changes}))


def _changes(report: Report, hard: _Figure) -> Iterator[_Change]:
    """Go through what each restoration changed there: a gain, or over seeds one of all of them."""
    seen = set()
    for gain in report.gains:
        if gain.before != hard.step.id or not _agree(gain.cell, hard.cell.cell):
            continue
        if not hard.step.over_seeds:
            flips = f" ({gain.recovered:,} recovered, {gain.broken:,} newly broken)"
            yield _Change(gain.step, gain.after, gain.cell, gain.difference, flips)
        elif gain.after not in seen:
            seen.add(gain.after)
            yield from _over_seeds(report, hard, gain)


def _over_seeds(report: Report, hard: _Figure, gain: Gain) -> Iterator[_Change]:
    """Return the paired difference over all seeds, if these methods were compared."""
    for pair in report.compared.pairs:
        here = pair.measure == hard.name and all(
            _agree(cell, hard.cell.cell) for cell in (pair.first_cell, pair.second_cell)
        )
        if here and {pair.first, pair.second} == {gain.before, gain.after}:
            change = pair.difference if pair.first == gain.after else _turned(pair.difference)
            yield _Change(gain.step, gain.after, hard.cell.cell, change)


def _turned(difference: Measure) -> Measure:
    """Return second minus first."""
    low, high = (None if end is None else -end for end in (difference.high, difference.low))
    return replace(difference, value=-difference.value, low=low, high=high)


def _agree(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    """Say whether two cells have no variable with two values."""
    return all(second.get(name, value) == value for name, value in first.items())


def _change_text(report: Report, hard: _Figure, best: _Change, count: int) -> str:
    steps = {step.id: step for step in report.steps}
    after = matching(steps[best.after], best.cell)
    reached = after.measures.get(hard.name) if after else None
    now = count_text(reached) if reached else "what it answers then"
    change, interval = change_text(best.difference)
    void = after is not None and is_void(report, hard.name, steps[best.after], after)
    chosen = (
        f" It is the best of {plural(count, 'restoration')} there, chosen on these images, which "
        "flatters it."
        if count > 1
        else ""
    )
    mark = f"{VOID}: " if void else ""
    return (
        f"{mark}{_named(report, best.step)} {_verb(best)} {now}: change {change} {interval}, "
        f"paired by image{best.flips}{_chance(best)}.{chosen}"
    )


def _verb(best: _Change) -> str:
    if best.difference.value == 0:
        return "leaves that at"
    return "brings that to" if best.difference.value > 0 else "takes that to"


def _chance(best: _Change) -> str:
    """Say that a change may be chance where its interval holds 0."""
    low, high = best.difference.low, best.difference.high
    sure = low is not None and high is not None and (low > 0 or high < 0)
    return "" if sure else ", which may be chance"
