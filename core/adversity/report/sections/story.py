"""What happened, in a few sentences made from the figures: the first thing that a reader sees.

Each sentence speaks of one figure of the run, chosen by a rule that it names, and gives its
interval. A figure that the report does not believe is spoken of only where there is no other, and
marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adversity.report.doubts.void_figures import VOID, is_void
from adversity.report.sections.attack_story import attack_sentence
from adversity.report.sections.told_apart_story import told_apart
from adversity.report.values.apart import judged_steps
from adversity.report.values.blocks import Text
from adversity.report.values.paired import HARMS, NO_EVIDENCE
from adversity.report.words.counting import count_text, figure_text, hits
from adversity.report.words.reading import is_number, matching
from adversity.report.words.wording import (
    cell_text,
    change_text,
    measure_name,
    plain,
    plural,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, CellValues, Report, StepSummary
    from adversity.report.values.paired import Gain

__all__ = ["hardest_cell", "story", "story_lines"]

_ANSWERS = ("accuracy", "regression")
"""The groups of measures that say how good answers are, of classes and of numbers."""
_WHAT = {"accuracy": "change", "rmse": "gain in RMSE"}
"""What a restoration's change is called, by the measure that it is of."""


class _Figure(NamedTuple):
    step: StepSummary
    cell: CellResult
    name: str
    measure: Measure


class _Change(NamedTuple):
    """What one restoration changed in one cell: of which samples is said in words."""

    step: str
    before: str
    after: str
    cell: CellValues
    difference: Measure
    name: str
    moved: str
    is_harm: bool
    doubt: str = ""


def story(report: Report) -> tuple[Text, ...]:
    """Return paragraphs: degraded, restored, told apart, attacked; fewer where less was done.

    Of classes and of numbers, where both are answered, the first two have a paragraph each.
    """
    every = [_Figure(*item) for item in _answers(report)]
    parts = []
    for group in _ANSWERS:
        figures = [figure for figure in every if figure.measure.info.group == group]
        hard = _hardest(report, figures)
        parts += [_begin(report, figures, hard), *_restored(report, hard)]
    parts += [*told_apart(report), *attack_sentence(report)]
    return tuple(Text(plain(text), lead=lead) for lead, text in parts if text)


def story_lines(report: Report) -> tuple[str, ...]:
    """Return the story as a terminal and a record say it: one line a paragraph."""
    return tuple(f"{text.lead} {text.text}" for text in story(report))


def hardest_cell(report: Report) -> dict[str, str]:
    """Return the cell of the degraded images that the story speaks of; empty without any."""
    every = [_Figure(*item) for item in _answers(report)]
    for group in _ANSWERS:
        hard = _hardest(report, [item for item in every if item.measure.info.group == group])
        if hard is not None:
            return dict(hard.cell.cell)
    return {}


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
    started = {change.before for change in _changes(report)}
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
    """Say what the best restoration made of the hardest images, that it was chosen, and what harms."""
    if hard is None:
        return
    all_ = [one for one in _changes(report) if (one.before, one.name) == (hard.step.id, hard.name)]
    changes = [change for change in all_ if _agree(change.cell, hard.cell.cell)]
    if changes:
        best = max(changes, key=lambda change: change.difference.value)
        text = _change_text(report, hard, best, len(changes))
        yield "Restored.", text + _harm(report, hard, [one for one in all_ if one is not best])


def _harm(report: Report, hard: _Figure, others: Sequence[_Change]) -> str:
    """Say where a restoration harms, beside the change that is told of: the worst that is no chance."""
    sure = [one for one in others if one.is_harm]
    steps = {step.id: step for step in report.steps}
    known = [(one, matching(steps[one.after], one.cell)) for one in sure]
    believed = [
        (one, cell)
        for one, cell in known
        if cell is not None and not is_void(report, hard.name, steps[one.after], cell)
    ]
    if not believed:
        return ""
    worst, after = min(believed, key=lambda item: item[0].difference.value)
    change, interval = change_text(worst.difference)
    place = cell_text(worst.cell)
    where = f" at {place}" if place else ""
    among = f", the worst of {len(others) + 1} changes" if len(others) > 1 else ""
    return (
        f" {_named(report, worst.step)} harms{where}: {_WHAT[worst.name]} {change} {interval}, to "
        f"{_reached(after.measures[hard.name])}{among}."
    )


def _changes(report: Report) -> Iterator[_Change]:
    """Go through what each restoration changed, each cell by itself, or over its seeds."""
    for gain in report.shown_gains:
        moved = f"{gain.recovered:,} recovered, {gain.broken:,} newly broken"
        told = (gain.step, gain.before, gain.after, gain.cell, gain.difference, "accuracy", moved)
        yield _Change(*told, gain.finding == HARMS, _not_told_apart(gain, len(report.shown_gains)))
    for error in report.shown_error_gains:
        moved = f"{error.nearer:,} nearer to the target, {error.further:,} further"
        change = error.difference
        told = (error.step, error.before, error.after, error.cell, change, "rmse", moved)
        yield _Change(*told, change.high is not None and change.high < 0)


def _agree(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    """Say whether two cells have no variable with two values."""
    return all(second.get(name, value) == value for name, value in first.items())


def _change_text(report: Report, hard: _Figure, best: _Change, count: int) -> str:
    steps = {step.id: step for step in report.steps}
    after = matching(steps[best.after], best.cell)
    reached = after.measures.get(hard.name) if after else None
    now = _reached(reached) if reached else "what it answers then"
    change, interval = change_text(best.difference)
    seeds = best.difference.details.get("seeds", 1)
    over = f" over {seeds} seeds" if is_number(seeds, 2) else ""
    together = " in all of them" if over else ""
    void = after is not None and is_void(report, hard.name, steps[best.after], after)
    chosen = (
        f" It is the best of {plural(count, 'restoration')} there, chosen on these images, which "
        "flatters it."
        if count > 1
        else ""
    )
    mark = f"{VOID}: " if void else ""
    own = cell_text(best.cell, without=tuple(hard.cell.cell))
    own = f" at {own}" if own else ""
    return (
        f"{mark}{_named(report, best.step)}{own} {_verb(best)} {now}: {_WHAT[best.name]} "
        f"{change} {interval}, paired by image{over} ({best.moved}{together}){_chance(best)}.{chosen}"
    )


def _reached(measure: Measure) -> str:
    """Write a share as a count, anything else as its value."""
    return count_text(measure) if measure.info.scale == "share" else value_text(measure)


def _verb(best: _Change) -> str:
    if best.difference.value == 0:
        return "leaves that at"
    return "brings that to" if best.difference.value > 0 else "takes that to"


def _not_told_apart(gain: Gain, count: int) -> str:
    """Say that a test which allows for all changes of the report tells this one from none."""
    if gain.finding != NO_EVIDENCE or gain.p_holm is None or count < 2:
        return ""
    return f", which is no evidence after Holm's correction for {count:,} changes (p = {gain.p_holm:.2g})"


def _chance(best: _Change) -> str:
    """Say that a change may be chance where its interval holds 0, or the corrected test says so."""
    low, high = best.difference.low, best.difference.high
    sure = low is not None and high is not None and (low > 0 or high < 0)
    return best.doubt if sure else ", which may be chance"
