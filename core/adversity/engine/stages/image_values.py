"""What metrics of images give for each, and why some images are not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.pipeline.plan.in_versions import settings_of
from adversity.registry.entry import class_of
from adversity.shapes import channels_fault

if TYPE_CHECKING:
    from adversity.contracts import ImageMetric
    from adversity.data.reading import Source
    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.stages.table_stage import TableRun
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["image_values", "infinite_note", "why_not", "without_clean"]


def image_values(ready: Ready, current: ImageBatch) -> np.ndarray[Any, Any]:
    """Return what a metric of images gives for each, `[N]` float64; NaN where it cannot.

    Images without clean ones to compare with, of another size than these, smaller than the
    metric's smallest, or of channels that it does not take, are not measured.
    """
    metric: ImageMetric = ready.plugin
    values = np.full(len(current.ids), np.nan)
    _, channels, *sides = current.images.shape
    if min(sides) < metric.smallest_side() or channels_fault(metric.takes_channels(), channels):
        return values
    if not metric.full_reference:
        return ready.call(current.images, None, current.ids).numpy()  # type: ignore[no-any-return]
    if current.clean is None or not current.comparable:
        return values
    return ready.call(current.images, current.clean, current.ids).numpy()  # type: ignore[no-any-return]


def infinite_note(where: str, name: str, count: int) -> str:
    """Say that a column has no mean, since none of `count` values is finite."""
    return (
        f"{where}: {name} is infinite for all {count} rows that could be measured, as of images "
        "that equal the clean ones, so it has no mean"
    )


def without_clean(run: TableRun) -> str | None:
    """Say why no image of a stage has a clean one to be compared with, or None."""
    if any(run.source(cell).references_count for cell in run.versions.values()):
        return None
    if settings_of(run.plan.data, run.data).images == "degraded":
        return (
            f"{run.data} has no clean references, and its images are degraded already "
            "(images: degraded)"
        )
    if any(map(_worsens, run.chain.links)):
        return None
    return f"{run.data} has no clean references, and nothing degrades its images on the way"


def _worsens(link: PlannedStep) -> bool:
    """Say whether the images before a step may stand for clean ones behind it."""
    kind = class_of(link.entry).describes
    return link.role == "attack" or (link.role == "view" and kind.load(kind.call).worsens)


def why_not(metric: ImageMetric, source: Source) -> str:
    """Say why images of a data set, behind whatever steps, may not have been measured."""
    reasons = []
    if metric.full_reference:
        if 0 < source.references_count < len(source):
            reasons.append("has no clean one to be compared with")
        reasons.append("has another size than the clean one")
    reasons.append(f"is smaller than {metric.smallest_side()} pixels in height or width")
    faults = (channels_fault(metric.takes_channels(), shape[0]) for shape in source.shapes)
    if fault := next(filter(None, faults), None):
        reasons.append(f"has other channels: {metric.name} {fault}")
    return ", or ".join(reasons)
