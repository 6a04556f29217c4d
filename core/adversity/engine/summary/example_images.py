"""Which samples the report shows, and their exact images along the path.

Fixed strata for each attack and each restoration: what the attack flipped, what restoration
recovered, what it newly broke, and what nothing changed. They are chosen to show failures, so the
population of each stratum goes with them. Which samples of a stratum is decided by their ids.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.chosen_samples import chosen, counted, order_of
from adversity.engine.summary.shown_images import Answer, Story, image_row
from adversity.engine.summary.shown_paths import shown_paths
from adversity.pipeline.plan.answerers import answerer
from adversity.pipeline.plan.chain import combines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.shown_paths import ShownPath
    from adversity.engine.summary.shown_views import ShownViews
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.model import ImageRow

__all__ = ["image_rows", "told"]

Numbers = np.ndarray[Any, Any]

_REACHED = "flipped by the attack"
QUOTAS = {
    _REACHED: 8,
    "recovered by restoration": 6,
    "newly broken by restoration": 6,
    "unchanged": 4,
}


def image_rows(views: ShownViews) -> tuple[tuple[ImageRow, ...], dict[str, int]]:
    """Choose samples and compute their images, of each attack and restoration so many.

    Returns:
        The rows, and how many samples each stratum has in all.
    """
    toolbox = views.toolbox
    count = toolbox.plan.spec.run.images
    paths = shown_paths(toolbox)[: max(1, count // 2)] if count else []
    rows: list[ImageRow] = []
    population: dict[str, int] = {}
    for number, path in enumerate(paths):
        share = count // len(paths) + (number < count % len(paths))
        own, counts = _rows_of(views, path, share, named=len(paths) > 1)
        rows += own
        population |= counts
    return tuple(rows), population


def _rows_of(
    views: ShownViews, path: ShownPath, count: int, *, named: bool
) -> tuple[tuple[ImageRow, ...], dict[str, int]]:
    toolbox = views.toolbox
    cells = toolbox.plan.steps[path.final].cells
    tables = _tables(toolbox, path.attack, path.answer, path.images)
    parts = [
        _strata(toolbox, path.attack, path.answer, path.images, tables, cell) for cell in cells
    ]
    sizes = [len(part) for part in parts]
    strata, ends = np.concatenate(parts), np.cumsum(sizes)
    called = _called(toolbox, path, named=named)
    stories: list[Story] = []
    order = order_of(toolbox, path.final, cells, sizes)
    for place in chosen(strata, tuple(QUOTAS.values()), count, order):
        number = int(np.searchsorted(ends, place, side="right"))
        where = cells[number], place - int(ends[number]) + sizes[number]
        names = _class_names(toolbox, path.answer, where[0])
        stories.append(_story(toolbox, path.final, tables, where, called[strata[place]], names))
    rows = told(views, path.attack, path.images, stories)
    return rows, counted(strata, called)


def told(
    views: ShownViews, attack: str | None, images: Sequence[str], stories: Sequence[Story]
) -> tuple[ImageRow, ...]:
    """Compute the images of stories. Restorations take most of the time: each thread sets plugins up anew."""
    workers = views.toolbox.plan.spec.run.workers
    with ThreadPoolExecutor(min(workers, max(1, len(stories) // 4))) as pool:
        return tuple(pool.map(partial(image_row, views, attack, images), stories))


def _called(toolbox: Toolbox, path: ShownPath, *, named: bool) -> list[str]:
    """Return what the strata are called, in the order of `QUOTAS`; with the step where it is one of several."""
    names = list(QUOTAS)
    if path.attack is not None:
        reached = toolbox.plan.steps[path.attack].goal.stratum
        names = [reached if name == _REACHED else name for name in names]
    step = path.attack or path.images[-1]
    return [f"{name} ({step})" for name in names] if named else names


def _table_of(toolbox: Toolbox, place: str, answer: str) -> PlannedStep | None:
    """Return the predictions of an image place, by the same classifier or ensemble as `answer`'s."""
    plan = toolbox.plan
    chain = plan.chain(answer)
    own = next((link for link in reversed(chain.links) if combines(link)), chain.classifier)
    for planned in plan.steps.values():
        if _same_answerer(own, planned, plan.steps) and all(
            classifier.upstream == place for classifier in plan.chain(planned.id).classifiers
        ):
            return planned
    return None


def _same_answerer(
    own: PlannedStep, planned: PlannedStep, steps: Mapping[str, PlannedStep]
) -> bool:
    """Say whether a step's answer is that of the same classifier, or of the same members."""
    if own.role == "predict":
        return planned.role == "predict" and planned.definition == own.definition
    return combines(planned) and answerer(planned.id, steps) == answerer(own.id, steps)


def _tables(
    toolbox: Toolbox, attack: str | None, answer: str, images: Sequence[str]
) -> dict[str, str]:
    """Return the step whose table says what is predicted at a place, for each that has one."""
    planned_by_place = {place: _table_of(toolbox, place, answer) for place in images}
    tables = {
        place: planned.id for place, planned in planned_by_place.items() if planned is not None
    }
    return tables if attack is None else {**tables, attack: attack}


def _strata(
    toolbox: Toolbox,
    attack: str | None,
    answer: str,
    images: Sequence[str],
    tables: Mapping[str, str],
    cell: Cell,
) -> Numbers:
    """Return the stratum of each sample of a cell, as a place in `QUOTAS`; none without labels.

    A sample that has no class of the classifier is in no stratum (-1) and not shown. The tables of a path are of one data set and sorted by id, so they have the same rows.
    """
    final = stored_rows(toolbox, attack or answer, cell)
    if "target" not in final:
        return np.zeros(0, dtype=np.int64)
    names = list(QUOTAS)
    strata = np.full(final.count, names.index("unchanged"))
    for before, after in reversed(list(itertools.pairwise(images))):  # the first change counts
        if before not in tables or after not in tables:
            continue
        was, now = (stored_rows(toolbox, tables[place], cell) for place in (before, after))
        if toolbox.plan.steps[after].entry.kind == "restoration" and "correct" in was:
            right, still = was["correct"], now["correct"]
            strata[~right & still] = names.index("recovered by restoration")
            strata[right & ~still] = names.index("newly broken by restoration")
    if attack is not None:
        reached = toolbox.plan.steps[attack].goal.reached
        strata[final[reached]] = names.index(_REACHED)
    strata[~has_class(final["target"])] = -1
    return strata


def _story(
    toolbox: Toolbox,
    final: str,
    tables: Mapping[str, str],
    where: tuple[Cell, int],
    stratum: str,
    classes: Sequence[str],
) -> Story:
    """Read what was predicted for one sample of a cell, at every place that has a table."""
    cell, row = where
    at = np.array([row])
    sample = stored_rows(toolbox, final, cell).at(at, ("id", "target"))
    answers = {}
    for place, step in tables.items():
        rows = stored_rows(toolbox, step, cell)
        if "correct" in rows:
            names = [name for name in ("prediction", "confidence", "correct") if name in rows]
            answers[place] = _answer(classes, **rows.at(at, names))
    label = classes[int(sample["target"][0])]
    return Story(cell, str(sample["id"][0]), label, answers, stratum)


def _answer(
    classes: Sequence[str],
    prediction: Numbers,
    correct: Numbers,
    confidence: Numbers | None = None,
) -> Answer:
    sure = None if confidence is None else float(confidence[0])
    return Answer(classes[int(prediction[0])], sure, bool(correct[0]))


def _class_names(toolbox: Toolbox, answer: str, cell: Cell) -> tuple[str, ...]:
    """Return the classes of an answer, as its table says: members of an ensemble have the same."""
    own = toolbox.plan.steps[answer].own(cell)
    return toolbox.table(answer).classes[own.key]
