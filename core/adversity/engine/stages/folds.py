"""Folds of a fit: which samples lie in each, and answers of networks that did not see the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.checksums import Checksums
from adversity.data.resampling import dealt, joined, units_of
from adversity.engine.set_up.toolbox import state_path
from adversity.errors import DataError
from adversity.seeding import fold_generator

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = [
    "answers_out_of_fold",
    "fits_out_of_fold",
    "fold_hashes",
    "folds_of",
    "members_out_of_fold",
]

Folds = np.ndarray[Any, np.dtype[np.int64]]


def folds_of(toolbox: Toolbox, definition: str) -> Folds:
    """Return the fold of each sample of the data set that fits a step's plugin, `[N]`, from 0.

    Samples of one group lie in one fold, and so do equal images: else a network would be asked about
    an image that it was fitted on. Within that, each fold gets as much of each class.

    Raises:
        DataError: If there are more folds than there are such parts.
    """
    planned = toolbox.plan.steps[definition]
    start = toolbox.plan.chain(planned.fitted_by[0]).start
    source, count = toolbox.source(start), int(planned.fold_count or 0)
    units = joined(units_of(source.ids, source.groups), source.marks)
    if count > len(units):
        what = "samples" if len(units) == len(source) else "groups of samples or equal images"
        raise DataError(
            f"{planned.line}: {definition}: folds: expected at most as many as {start} has {what}, "
            f"{len(units)}, got {count}"
        )
    generator = fold_generator(toolbox.plan.spec.seed, definition, count)
    return dealt(units, source.targets, count, generator)


def fold_hashes(toolbox: Toolbox, step: str, cell: Cell) -> list[str]:
    """Return the hashes of what was found without each fold."""
    definition = toolbox.definition_of(step)
    folder = toolbox.artifact(definition.id)
    checksums, own = Checksums(folder), definition.own(cell)
    places = [state_path(folder, own, fold) for fold in range(int(definition.fold_count or 0))]
    return [checksums.hash_of(place.relative_to(folder).as_posix()) for place in places]


def answers_out_of_fold(
    toolbox: Toolbox, step: str, cell: Cell, current: ImageBatch, folds: Folds
) -> Tensor:
    """Return what is answered to images `[N, K]`, to each by the network fitted without its fold.

    Args:
        toolbox: Of the run.
        step: The step.
        cell: Its cell.
        current: N images.
        folds: `[N]`, from 0.

    Raises:
        DataError: If a network has other classes than the one that was fitted on all.
    """
    import torch

    whole, parts = toolbox.whole(step, cell), []
    fits, order = fits_out_of_fold(toolbox, step, cell, folds)
    for place, ready in fits:
        if ready.plugin.class_names != whole.plugin.class_names:
            raise DataError(
                f"{toolbox.plan.steps[step].line}: {ready.label} has other classes where a fold is "
                "left out; take fewer folds, or more samples of each class"
            )
        ids = [current.ids[i] for i in place]
        parts.append(ready.call.logits(current.images[torch.from_numpy(place)], ids))
    answers: Tensor = torch.cat(parts)[torch.from_numpy(order)]
    return answers


def members_out_of_fold(
    toolbox: Toolbox, step: str, cell: Cell, current: ImageBatch, folds: Folds
) -> Tensor:
    """Return what members say `[M, N, K]`, of each image those fitted without its fold.

    Arguments are those of `answers_out_of_fold`, which has seen to the classes.

    Raises:
        DataError: If there are other members where another fold is left out.
    """
    import torch

    fits, order = fits_out_of_fold(toolbox, step, cell, folds)
    parts = [
        ready.call.member_probs(
            current.images[torch.from_numpy(place)], [current.ids[i] for i in place]
        )
        for place, ready in fits
    ]
    counts = {None if part is None else len(part) for part in parts}
    if len(counts) > 1 or None in counts:
        raise DataError(
            f"{toolbox.plan.steps[step].line}: {fits[0][1].label} has other members where another "
            f"fold is left out, {sorted(map(str, counts))}; leave folds: out"
        )
    said: Tensor = torch.cat(parts, 1)[:, torch.from_numpy(order)]
    return said


def fits_out_of_fold(
    toolbox: Toolbox, step: str, cell: Cell, folds: Folds
) -> tuple[list[tuple[Folds, Ready]], Folds]:
    """Return what was fitted without each fold, with the places of the images that it answers for.

    Args:
        toolbox: Of the run.
        step: The step.
        cell: Its cell.
        folds: `[N]`, of some images, from 0.

    Returns:
        Places and plugins, and the order `[N]` that brings answers, one after the other, back.
    """
    rows = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    fits = [(place, toolbox.whole(step, cell, int(folds[place[0]]))) for place in rows]
    return fits, np.argsort(np.concatenate(rows))
