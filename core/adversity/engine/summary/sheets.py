"""The same few samples through everything: each degradation, restoration and attack in its cells.

Which samples is decided by their ids alone, so that the next run shows the same ones, whatever was
answered; two reports can be laid side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.stages.step_images import step_images
from adversity.engine.summary.chosen_samples import id_order
from adversity.engine.summary.shown_images import role_of
from adversity.pipeline.plan.apart import is_judged
from adversity.pipeline.plan.in_versions import file_name
from adversity.report.values.sheets import Seen, Sheet, SheetRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.shown_views import ShownViews
    from adversity.pipeline.plan.model import Cell, PlannedData, PlannedStep

__all__ = ["sheets"]

SAMPLES = 3
"""At most so many samples of a data set are shown."""
CELLS = 6
"""At most so many cells of a step; of more, the first, the last, and others evenly between."""
IMAGES = 72
"""Of a data set, fewer samples are shown where this many images would not do; one always is."""
_Answers = tuple[tuple[str, float | None, bool], ...]
"""What was predicted in each cell of a table that agrees: class, confidence, whether it is right."""


def sheets(views: ShownViews) -> tuple[Sheet, ...]:
    """Compute the images of each judged data set that a view or an attack changes.

    None where `run.images` is 0.
    """
    toolbox = views.toolbox
    if toolbox.plan.spec.run.images == 0:
        return ()
    return tuple(
        sheet
        for data in toolbox.plan.data.values()
        if (places := _places(toolbox, file_name(data.id)))
        for sheet in _of_data(views, data, places)
    )


def _places(toolbox: Toolbox, data: str) -> tuple[PlannedStep, ...]:
    """Return the views and attacks behind which something of a data set is judged, in file order."""
    plan = toolbox.plan
    chains = [
        plan.chain(step.id)
        for step in plan.steps.values()
        if step.source and step.role != "view" and is_judged(step, plan.steps)
    ]
    used = {name for chain in chains if chain.start == data for name in chain.ids}
    return tuple(
        step
        for step in plan.steps.values()
        if step.id in used and step.role in ("view", "attack") and plan.chain(step.id).start == data
    )


def _of_data(
    views: ShownViews, data: PlannedData, places: Sequence[PlannedStep]
) -> Iterator[Sheet]:
    shown = {step.id: _some(_cells(step, data)) for step in places}
    each = 1 + sum(map(len, shown.values()))
    count = max(1, min(SAMPLES, IMAGES // each))
    source = views.toolbox.source(data.id, data.cell)
    index = id_order(source.ids)[:count]
    for sample in index:  # they need not have one size
        yield _sheet(views, data, places, sample)


def _cells(step: PlannedStep, data: PlannedData) -> list[Cell]:
    """Return the cells in which the images of a step are of one version of a data set."""
    return [cell for cell in step.cells if data.cell.as_dict().items() <= cell.as_dict().items()]


def _some(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the cells that are shown: all, or the ends and others evenly between."""
    if len(cells) <= CELLS:
        return tuple(cells)
    return tuple(cells[round(at)] for at in np.linspace(0, len(cells) - 1, CELLS))


def _sheet(
    views: ShownViews, version: PlannedData, places: Sequence[PlannedStep], sample: int
) -> Sheet:
    toolbox, data = views.toolbox, file_name(version.id)
    id_ = toolbox.source(data, version.cell).ids[sample]
    batches: dict[tuple[str, Cell], ImageBatch] = {}

    def images(place: str, cell: Cell) -> ImageBatch:
        """Compute an image once, from the one before it."""
        planned = toolbox.plan.steps.get(place)
        own = version.cell if planned is None else planned.own(cell)
        if (place, own) not in batches:
            batches[place, own] = (
                step_images(toolbox, data, own, [sample])
                if planned is None
                else views.through(place, own, images(str(planned.upstream), own))
            )
        return batches[place, own]

    first = _seen(toolbox, None, images(data, version.cell), version.cell, data, id_)
    rows = [SheetRow(data, (first,))]
    for step in places:
        every = _cells(step, version)
        cells = _some(every)
        seen = tuple(
            _seen(toolbox, step, images(step.id, cell), cell, step.id, id_) for cell in cells
        )
        rows.append(SheetRow(step.id, seen, len(every) - len(cells)))
    return Sheet(version.id, id_, _label(toolbox, version, places, id_), tuple(rows))


def _seen(
    toolbox: Toolbox, step: PlannedStep | None, batch: ImageBatch, cell: Cell, place: str, id_: str
) -> Seen:
    answers = _answers(toolbox, place, cell, id_)
    first = answers[0] if answers else None
    before: _Answers = ()
    if step is not None:
        before = _answers(toolbox, str(step.upstream), cell, id_)
    return Seen(
        cell=cell.as_dict(),
        role=role_of(step, batch),
        image=batch.images[0].numpy().transpose(1, 2, 0),
        prediction=None if first is None else first[0],
        confidence=None if first is None or len(answers) > 1 else first[1],
        state=_state(step, before, answers),
        right=sum(answer[2] for answer in answers),
        answers=len(answers),
    )


def _state(step: PlannedStep | None, before: _Answers, now: _Answers) -> str | None:
    """Say what became of an image, where all cells that answer it agree on whether it is right."""
    after, was = ({answer[2] for answer in answers} for answers in (now, before))
    if len(after) != 1:
        return None
    right = after == {True}
    if len(was) != 1 or was == after:
        return "right" if right else "wrong"
    if right:
        return "recovered"
    return "newly_broken" if step is not None and step.entry.kind == "restoration" else "flipped"


def _answers(toolbox: Toolbox, place: str, cell: Cell, id_: str) -> _Answers:
    """Return what the first table that answers for the images of a place says of one sample."""
    table = _table(toolbox, place)
    if table is None:
        return ()
    found = []
    for own in table.cells:
        theirs, ours = own.as_dict(), cell.as_dict()
        if any(theirs.get(name, value) != value for name, value in ours.items()):
            continue
        rows = stored_rows(toolbox, table.id, own)
        at = np.flatnonzero(np.asarray(rows["id"]) == id_)
        if len(at) and "correct" in rows:
            found.append(_answer(toolbox, table.id, own, rows, at[:1]))
    return tuple(found)


def _answer(
    toolbox: Toolbox, table: str, cell: Cell, rows: Any, at: Any
) -> tuple[str, float | None, bool]:
    names = [name for name in ("prediction", "confidence", "correct") if name in rows]
    said = rows.at(at, names)
    sure = float(said["confidence"][0]) if "confidence" in said else None
    classes = toolbox.table(table).classes[cell.key]
    return classes[int(said["prediction"][0])], sure, bool(said["correct"][0])


def _table(toolbox: Toolbox, place: str) -> PlannedStep | None:
    """Return whose table says what is predicted there: an attack's own, else the first classifier's."""
    steps = toolbox.plan.steps
    planned = steps.get(place)
    if planned is not None and planned.role == "attack":
        return planned if planned.goal.of_answer else None
    return next(
        (
            step
            for step in steps.values()
            if step.role == "predict" and step.upstream == place and is_judged(step, steps)
        ),
        None,
    )


def _label(toolbox: Toolbox, version: PlannedData, places: Sequence[PlannedStep], id_: str) -> str:
    """Return the class of a sample, from the first table of it that has one; empty for none."""
    for place in (file_name(version.id), *(step.id for step in places)):
        table = _table(toolbox, place)
        if table is None:
            continue
        cell = _cells(table, version)[0]
        rows = stored_rows(toolbox, table.id, cell)
        at = np.flatnonzero(np.asarray(rows["id"]) == id_)
        if len(at) and "target" in rows and "correct" in rows:
            target = int(rows.at(at[:1], ("target",))["target"][0])
            if has_class(np.array([target]))[0]:
                return toolbox.table(table.id).classes[cell.key][target]
    return ""
