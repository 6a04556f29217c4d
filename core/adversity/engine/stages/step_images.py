"""Images on their way: from a data set through views, a shard at a time, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.engine.chain.image_batch import ImageBatch
from adversity.engine.stages.stored_images import StoredImages
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.calls.view_call import Passed
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = ["behind", "images_through", "passed_by", "step_images"]


def step_images(
    toolbox: Toolbox, place: str, cell: Cell, index: Sequence[int], *, epoch: int = 0
) -> ImageBatch:
    """Compute the images of a step, or read those of an attack, for samples of one size.

    Args:
        toolbox: Of the run.
        place: A data set, a view or an attack.
        cell: At least the variables of the step, and of the version of its data.
        index: Sample numbers in the data set.
        epoch: Of a fit that has the views draw anew; 0 for what everybody else sees.
    """
    chain = toolbox.plan.chain(place)
    source = toolbox.source(chain.start, cell)
    ids = tuple(source.ids[i] for i in index)
    images, clean = source.pairs(index)
    current = ImageBatch(ids, images, clean, {}, {}, toolbox.starts_clean(chain.start, cell))
    for link in chain.links:
        current = images_through(toolbox, link.id, cell, current, epoch=epoch)
    return current


def images_through(
    toolbox: Toolbox, step: str, cell: Cell, current: ImageBatch, *, epoch: int = 0
) -> ImageBatch:
    """Run one view, or put an attack's stored images in place."""
    planned = toolbox.plan.steps[step]
    if planned.role == "attack":
        stored = StoredImages(toolbox.artifact(step), cell.restrict(planned.variables))
        return current.worsened(stored.read(current.ids))
    passed, worsens = passed_by(toolbox, step, cell, current, epoch=epoch)
    return behind(current, step, passed, worsens=worsens)


def passed_by(
    toolbox: Toolbox, step: str, cell: Cell, current: ImageBatch, *, epoch: int = 0
) -> tuple[Passed, bool]:
    """Run one view.

    Returns:
        What it gives, which hangs on `ids`, `images` and `side` of what goes in, and on nothing
        else of it; and whether it worsens images.
    """
    call = toolbox.ready(step, cell).call
    rng = SampleRng(seed=toolbox.plan.spec.seed, step=step, ids=current.ids)
    drawn = rng.child(("epoch", epoch)) if epoch else rng
    return call.passed(current.images, current.side, drawn), call.worsens


def behind(current: ImageBatch, step: str, passed: Passed, *, worsens: bool) -> ImageBatch:
    """Return images behind a view, of those before it and of what it gives."""
    origin = {f"{step}_{need}": where for need, where in passed.origin.items()}
    after = current.worsened(passed.images) if worsens else current
    return replace(
        after,
        images=passed.images,
        side=dict(passed.side),
        origin={**current.origin, **origin},
        found={**current.found, **passed.found},
    )
