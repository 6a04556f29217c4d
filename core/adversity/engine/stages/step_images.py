"""Images on their way: from a data set through views, a shard at a time, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import Restoration
from adversity.engine.calls import final_calls
from adversity.engine.chain.image_batch import ImageBatch
from adversity.engine.stages.stored_images import StoredImages
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = ["images_through", "step_images"]


def step_images(toolbox: Toolbox, place: str, cell: Cell, index: Sequence[int]) -> ImageBatch:
    """Compute the images of a step, or read those of an attack, for samples of one size.

    Args:
        toolbox: Of the run.
        place: A data set, a view or an attack.
        cell: At least the variables of the step.
        index: Sample numbers in the data set.
    """
    chain = toolbox.plan.chain(place)
    source = toolbox.source(chain.start)
    ids = tuple(source.ids[i] for i in index)
    current = ImageBatch(ids, source.images(index), source.references(index), {}, {})
    for link in chain.links:
        current = images_through(toolbox, link.id, cell, current)
    return current


def images_through(toolbox: Toolbox, step: str, cell: Cell, current: ImageBatch) -> ImageBatch:
    """Run one view, or put an attack's stored images in place."""
    planned = toolbox.plan.steps[step]
    if planned.role == "attack":
        stored = StoredImages(toolbox.artifact(step), cell.restrict(planned.variables))
        return current.worsened(stored.read(current.ids))
    ready = toolbox.ready(step, cell)
    if isinstance(ready.plugin, Restoration):
        images, origin = final_calls.restore(ready, current.images, current.side, current.ids)
        named = {f"{step}_{need}": where for need, where in origin.items()}
        return replace(current, images=images, origin={**current.origin, **named})
    rng = SampleRng(seed=toolbox.plan.spec.seed, step=step, ids=current.ids)
    degraded = final_calls.degrade(ready, current.images, rng)
    worse = current.worsened(degraded.images)
    return replace(worse, side={**current.side, **degraded.side})
