"""Which samples the report shows, and their exact images along the path.

Fixed strata with a seed: what the attack flipped, what restoration recovered, what it newly
broke, and what nothing changed. They are chosen to show failures, so the population of each
stratum goes with them.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.shown_images import Answer, Story, image_row
from adversity.pipeline.plan.answerers import answerer
from adversity.pipeline.plan.chain import combines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.model import ImageRow

__all__ = ["chosen", "counted", "image_rows", "told"]

Numbers = np.ndarray[Any, Any]

_REACHED = "flipped by the attack"
QUOTAS = {
    _REACHED: 8,
    "recovered by restoration": 6,
    "newly broken by restoration": 6,
    "unchanged": 4,
}


def image_rows(toolbox: Toolbox) -> tuple[tuple[ImageRow, ...], dict[str, int]]:
    """Choose samples and compute their images.

    Returns:
        The rows, and how many samples each stratum has in all.
    """
    attack, answer, images = _main_path(toolbox)
    if answer is None or toolbox.plan.spec.run.images == 0:
        return (), {}
    cells = toolbox.plan.steps[attack or answer].cells
    tables = _tables(toolbox, attack, answer, images)
    parts = [_strata(toolbox, attack, answer, images, tables, cell) for cell in cells]
    strata = np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts])
    stories: list[Story] = []
    called = _called(toolbox, attack)
    run = toolbox.plan.spec.run
    for place in chosen(strata, tuple(QUOTAS.values()), run.images, toolbox.plan.spec.seed):
        stratum = called[strata[place]]
        number = int(np.searchsorted(ends, place, side="right"))
        where = cells[number], place - int(ends[number]) + len(parts[number])
        names = _class_names(toolbox, answer, where[0])
        stories.append(_story(toolbox, attack or answer, tables, where, stratum, names))
    return told(toolbox, attack, images, stories), counted(strata, called)


def told(
    toolbox: Toolbox, attack: str | None, images: Sequence[str], stories: Sequence[Story]
) -> tuple[ImageRow, ...]:
    """Compute the images of stories. Restorations take most of the time: each thread sets plugins up anew."""
    with ThreadPoolExecutor(min(toolbox.plan.spec.run.workers, max(1, len(stories) // 4))) as pool:
        return tuple(pool.map(partial(image_row, toolbox, attack, images), stories))


def counted(strata: Numbers, called: Sequence[str]) -> dict[str, int]:
    """Return how many samples each stratum has in all, those that have any."""
    counts = np.bincount(strata[strata >= 0], minlength=len(called))
    return {name: count for name, count in zip(called, counts.tolist(), strict=True) if count}


def _called(toolbox: Toolbox, attack: str | None) -> list[str]:
    """Return what the strata are called, in the order of `QUOTAS`, where this attack is shown."""
    if attack is None:
        return list(QUOTAS)
    reached = toolbox.plan.steps[attack].goal.stratum
    return [reached if name == _REACHED else name for name in QUOTAS]


def _is_control(planned: PlannedStep) -> bool:
    return bool(getattr(planned.entry.cls, "control", False))


def _main_path(toolbox: Toolbox) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return the attack shown, the step whose answer it changes, and the image places."""
    steps = toolbox.plan.steps
    attacks = [n for n in steps.values() if n.role == "attack"]
    attacks.sort(key=lambda n: (_is_control(n), not n.goal.of_answer, n.knowledge == "grey-box"))
    answers = [n for n in steps.values() if n.role in ("predict", "score")]
    answers = [n for n in answers if toolbox.plan.chain(n.id).is_line]
    if attacks:
        attack, answer = attacks[0].id, str(attacks[0].against)
    elif answers:
        attack, answer = None, max(answers, key=lambda n: len(toolbox.plan.chain(n.id).links)).id
    else:
        return None, None, ()
    chain = toolbox.plan.chain(answer)
    return attack, answer, (chain.start, *(view.id for view in chain.shared_views))


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


def chosen(strata: Numbers, quotas: Sequence[int], count: int, seed: int) -> list[int]:
    """Draw each stratum's quota, scaled to `count`, then fill up with what is left.

    Args:
        strata: `[N]`, the stratum of each sample as a place in `quotas`; below 0 for none.
        quotas: How many of each, of their sum.
        count: How many in all.
        seed: Of the pipeline.
    """
    generator = np.random.Generator(np.random.Philox(key=seed))
    order = generator.permutation(len(strata))
    order = order[strata[order] >= 0]
    scale = count / sum(quotas)
    drawn: list[int] = []
    for number, quota in enumerate(quotas):
        members = order[strata[order] == number]
        drawn += members[: max(1, int(quota * scale))].tolist()
    rest = order[~np.isin(order, drawn)]
    return [*drawn, *rest[:count].tolist()][:count]


def _class_names(toolbox: Toolbox, answer: str, cell: Cell) -> tuple[str, ...]:
    """Return the classes of an answer, as its table says: members of an ensemble have the same."""
    own = toolbox.plan.steps[answer].own(cell)
    return toolbox.table(answer).classes[own.key]
