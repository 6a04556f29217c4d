"""Which samples the report shows of a regressor, and what is estimated of them along the path.

Strata as for classes, chosen in them by id: an error among the largest tenth of its cell, what a
restoration brought nearer to the target, what it took further away, and all others.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.chosen_samples import chosen, counted, order_of
from adversity.engine.summary.example_images import image_rows, told
from adversity.engine.summary.shown_images import Answer, Story
from adversity.metrics import absolute_errors, covered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.shown_views import ShownViews
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.model import ImageRow

__all__ = ["example_rows", "number_rows"]

LEVEL = 0.9
"""Of the intervals that are shown: what `interval_coverage` measures, unless told otherwise."""
QUOTAS = {
    "among the largest tenth of errors": 8,
    "brought nearer by restoration": 6,
    "taken further by restoration": 6,
    "other errors": 4,
}
_LARGEST, _NEARER, _FURTHER, _OTHERS = range(4)
_MOST = 3
"""So many numbers of a vector are written under an image."""

Numbers = np.ndarray[Any, Any]


def example_rows(views: ShownViews) -> tuple[tuple[ImageRow, ...], dict[str, int]]:
    """Return the rows of classifiers and attacks, or those of a regressor where there are none."""
    rows, population = image_rows(views)
    return (rows, population) if rows else number_rows(views)


def number_rows(views: ShownViews) -> tuple[tuple[ImageRow, ...], dict[str, int]]:
    """Choose samples of the regressor's step with the longest path, and compute their images.

    Returns:
        The rows, and how many samples each stratum has in all; nothing where no target is known.
    """
    toolbox = views.toolbox
    plan = toolbox.plan
    answers = [
        step
        for step in plan.steps.values()
        if step.role == "regress" and plan.chain(step.id).is_line
    ]
    if not answers or plan.spec.run.images == 0:
        return (), {}
    answer = max(answers, key=lambda step: len(plan.chain(step.id).links))
    chain = plan.chain(answer.id)
    images = (chain.start, *(view.id for view in chain.views))
    tables = {
        step.upstream: step.id
        for step in plan.steps.values()
        if _same_regressor(answer, step) and step.upstream in images
    } | {answer.upstream: answer.id}
    parts = [_strata(toolbox, images, tables, cell) for cell in answer.cells]
    places = [
        (cell, row)
        for cell, part in zip(answer.cells, parts, strict=True)
        for row in range(len(part))
    ]
    strata, called = np.concatenate(parts), list(QUOTAS)
    order = order_of(toolbox, answer.id, answer.cells, [len(part) for part in parts])
    stories = [
        _story(toolbox, tables, *places[at], called[strata[at]])
        for at in chosen(strata, tuple(QUOTAS.values()), plan.spec.run.images, order)
    ]
    return told(views, None, images, stories), counted(strata, called)


def _same_regressor(answer: PlannedStep, step: PlannedStep) -> bool:
    return step.role == "regress" and step.definition == answer.definition


def _strata(
    toolbox: Toolbox, images: Sequence[str], tables: Mapping[str, str], cell: Cell
) -> Numbers:
    """Return the stratum of each sample of a cell, as a place in `QUOTAS`; -1 without a target."""
    final = stored_rows(toolbox, tables[images[-1]], cell)
    if "target" not in final:
        return np.zeros(0, dtype=np.int64)
    target = final["target"]
    known = has_class(target)
    strata = np.full(final.count, -1)
    if not known.any():
        return strata
    errors = {
        place: absolute_errors(stored_rows(toolbox, step, cell)["mean"][known], target[known])
        for place, step in tables.items()
    }
    found = np.full(int(known.sum()), _OTHERS)
    for before, after in reversed(list(itertools.pairwise(images))):  # the first change counts
        restored = toolbox.plan.steps[after].entry.kind == "restoration"
        if restored and before in errors and after in errors:
            found[errors[after] < errors[before]] = _NEARER
            found[errors[after] > errors[before]] = _FURTHER
    last = errors[images[-1]]
    found[last >= np.quantile(last, LEVEL)] = _LARGEST
    strata[known] = found
    return strata


def _story(
    toolbox: Toolbox, tables: Mapping[str, str], cell: Cell, row: int, stratum: str
) -> Story:
    """Read what was estimated for one sample of a cell, at every place that has a table."""
    answers: dict[str, Answer] = {}
    sample, label = "", ""
    for place, step in tables.items():
        rows = stored_rows(toolbox, step, cell)
        names = toolbox.table(step).classes[toolbox.plan.steps[step].own(cell).key]
        own = rows.at(
            np.array([row]), [n for n in ("id", "target", "mean", "variance") if n in rows]
        )
        sample, label = str(own["id"][0]), _words(names, own["target"])
        answers[place] = _answer(names, own)
    return Story(cell, sample, label, answers, stratum, of_numbers=True)


def _answer(names: Sequence[str], own: Mapping[str, Numbers]) -> Answer:
    """Say what was estimated, and whether the target lies in the interval of each number."""
    if "variance" not in own:
        return Answer(_words(names, own["mean"]), None, None)
    from scipy.special import ndtri

    reach = float(ndtri((1 + LEVEL) / 2)) * np.sqrt(own["variance"])
    held = covered(own["mean"], own["variance"], own["target"], level=LEVEL)
    return Answer(_words(names, own["mean"], reach), None, bool(held.all()))


def _words(names: Sequence[str], values: Numbers, reach: Numbers | None = None) -> str:
    """Write the numbers of one sample, `[1]` or `[1, D]`, each with its name and half an interval."""
    numbers = np.atleast_1d(values[0]).tolist()
    ends = [None] * len(numbers) if reach is None else np.atleast_1d(reach[0]).tolist()
    said = [
        f"{name} {number:.4g}" + ("" if half is None else f" ± {half:.2g}")
        for name, number, half in zip(names, numbers, ends, strict=True)
    ]
    more = len(said) - _MOST
    return ", ".join(said[:_MOST]) + (f" and {more} more" if more > 0 else "")
