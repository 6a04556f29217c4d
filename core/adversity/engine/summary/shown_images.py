"""One sample's exact images along the path, and what was predicted for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.engine.stages.step_images import step_images
from adversity.metrics import psnr
from adversity.registry.entry import class_of
from adversity.report.values.model import ImageRow, ShownImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.shown_views import ShownViews
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["Answer", "Story", "image_row", "role_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one image.

    Attributes:
        said: A class, or numbers, in words.
        confidence: The top probability; None of numbers, and where there is none.
        right: Whether it is the right class; of numbers, whether the target lies in their interval,
            None where they have none.
    """

    said: str
    confidence: float | None
    right: bool | None


@dataclass(frozen=True, slots=True)
class Story:
    """One sample in one cell: what is right, and the answer at every place of the path that has one.

    Of numbers no answer is said to be flipped or recovered: each stands by itself.
    """

    cell: Cell
    id: str
    label: str
    answers: Mapping[str, Answer]
    stratum: str
    of_numbers: bool = False


def _state(story: Story, places: Sequence[str], place: str, kind: str) -> str | None:
    answers = story.answers
    now = answers[place].right
    if story.of_numbers:
        return None if now is None else "inside" if now else "outside"
    before = [answers[p].right for p in places[: places.index(place)] if p in answers]
    if not before or before[-1] == now:
        return "right" if now else "wrong"
    if now:
        return "recovered"
    return "newly_broken" if kind == "restoration" else "flipped"


def image_row(
    views: ShownViews, attack: str | None, images: Sequence[str], story: Story
) -> ImageRow:
    """Compute one sample's images at every place of the path, with what was said of each."""
    toolbox = views.toolbox
    places = [*images, *([attack] if attack else [])]
    shown = _shown(views, images, story)
    if attack is not None:
        start = shown[toolbox.plan.steps[attack].upstream]
        shown[attack] = views.through(attack, story.cell, start)
    shown_images = _reference(shown[images[0]], images[0]) + tuple(
        _image(toolbox, p, shown[p], story, places) for p in places
    )
    if attack is not None:
        shown_images += _behind(views, attack, places, story, shown[attack])
    row = ImageRow(story.id, story.label, story.cell.as_dict(), story.stratum, shown_images)
    if attack is None:
        return row
    plugin: Any = toolbox.plugin(attack, story.cell)
    delta = shown[attack].images[0].double() - start.images[0].double()
    return replace(
        row,
        perturbation=delta.float().numpy().transpose(1, 2, 0),
        norm=plugin.threat_model.in_norm,
        eps=plugin.threat_model.eps,
        sizes={"linf": float(delta.abs().max()), "l2": float(delta.norm())},
    )


def _shown(views: ShownViews, images: Sequence[str], story: Story) -> dict[str, ImageBatch]:
    """Compute one sample at each place of the path, each from the one before."""
    toolbox = views.toolbox
    data, *after = images
    place = toolbox.source(data, story.cell).ids.index(story.id)
    current = step_images(toolbox, data, story.cell, [place])
    shown = {data: current}
    for view in after:
        current = shown[view] = views.through(view, story.cell, current)
    return shown


def _reference(start: ImageBatch, data: str) -> tuple[ShownImage, ...]:
    """Return the clean partner of a sample's image, where it has one."""
    if start.clean is None:
        return ()
    return (ShownImage("clean", data, start.clean[0].numpy().transpose(1, 2, 0)),)


def role_of(planned: PlannedStep | None, current: ImageBatch) -> str:
    """Say what an image is: one of a data set is clean unless it is known that it is not."""
    if planned is not None:
        return class_of(planned.entry).describes.image_role
    return "clean" if current.clean is None and current.starts_clean else "degraded"


def _behind(
    views: ShownViews,
    attack: str,
    places: Sequence[str],
    story: Story,
    current: ImageBatch,
) -> tuple[ShownImage, ...]:
    """Return what the chain makes of the adversarial image: what the classifier, or every member, sees."""
    after = views.toolbox.plan.victim(attack).shared_views
    if not after:
        return ()
    for view in after:
        current = views.through(view.id, story.cell, current)
    answer = story.answers.get(attack)
    return (
        ShownImage(
            role="adversarial, restored",
            step=after[-1].id,
            image=current.images[0].numpy().transpose(1, 2, 0),
            prediction=None if answer is None else answer.said,
            confidence=None if answer is None else answer.confidence,
            state=None if answer is None else _state(story, places, attack, "attack"),
        ),
    )


def _image(
    toolbox: Toolbox,
    place: str,
    current: ImageBatch,
    story: Story,
    places: Sequence[str],
) -> ShownImage:
    planned = toolbox.plan.steps.get(place)
    kind = "data" if planned is None else planned.entry.kind
    answer = story.answers.get(place)
    image, clean, psnr_db = current.images, current.clean, None
    if clean is not None and image.shape == clean.shape:
        psnr_db = float(psnr(image, clean)[0])
    return ShownImage(
        role=role_of(planned, current),
        step=place,
        image=image[0].numpy().transpose(1, 2, 0),
        prediction=None if answer is None else answer.said,
        confidence=None if answer is None else answer.confidence,
        state=None if answer is None else _state(story, places, place, kind),
        psnr_db=psnr_db if psnr_db is not None and np.isfinite(psnr_db) else None,
    )
