"""Images on their way: from a data set through views, a shard at a time, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity.contracts import Restoration
from adversity.engine import calls
from adversity.engine.kept import KeptImages
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.toolbox import Toolbox
    from adversity.pipeline.model import Cell

__all__ = ["Flow", "flow", "images_through"]


@dataclass(frozen=True, slots=True)
class Flow:
    """Images of one size at some step.

    Attributes:
        ids: N sample ids.
        images: `[N, C, H, W]` float32 in [0, 1].
        clean: The clean images, of their own size: the data set's references where it has pairs,
            else what the images were before the first degradation or attack. None before that:
            nobody knows whether a data set's images are clean, so they are not compared with
            themselves.
        side: Side information so far, each with first axis N.
        origin: Column to value: where each need of a restoration came from.
    """

    ids: tuple[str, ...]
    images: Tensor
    clean: Tensor | None
    side: dict[str, Tensor]
    origin: dict[str, str]

    @property
    def comparable(self) -> bool:
        """Whether there are clean images of the same shape."""
        return self.clean is not None and self.images.shape == self.clean.shape

    def worsened(self, images: Tensor) -> Flow:
        """Return the flow with what a degradation or an attack made of its images."""
        clean = self.images if self.clean is None else self.clean
        return replace(self, images=images, clean=clean)


def flow(toolbox: Toolbox, node: str, cell: Cell, index: Sequence[int]) -> Flow:
    """Compute the images of a step, or read those of an attack, for samples of one size.

    Args:
        toolbox: Of the run.
        node: A data set, a view or an attack.
        cell: At least the variables of the step.
        index: Sample numbers in the data set.
    """
    path = toolbox.plan.path(node)
    source = toolbox.source(path[0])
    ids = tuple(source.ids[i] for i in index)
    current = Flow(ids, source.images(index), source.references(index), {}, {})
    for step in path[1:]:
        current = images_through(toolbox, step, cell, current)
    return current


def images_through(toolbox: Toolbox, step: str, cell: Cell, current: Flow) -> Flow:
    """Run one view, or put an attack's stored images in place."""
    node = toolbox.plan.steps[step]
    if node.role == "attack":
        kept = KeptImages(toolbox.artifact(step), cell.restrict(node.variables))
        return current.worsened(kept.read(current.ids))
    ready = toolbox.ready(step, cell)
    if isinstance(ready.plugin, Restoration):
        images, origin = calls.restore(ready, current.images, current.side, current.ids)
        named = {f"{step}_{need}": where for need, where in origin.items()}
        return replace(current, images=images, origin={**current.origin, **named})
    rng = SampleRng(seed=toolbox.plan.spec.seed, step=step, ids=current.ids)
    degraded = calls.degrade(ready, current.images, rng)
    worse = current.worsened(degraded.images)
    return replace(worse, side={**current.side, **degraded.side})
