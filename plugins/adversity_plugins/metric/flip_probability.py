"""How often predictions flip along sequences of images that change little from frame to frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from adversity import Measure, MeasureInfo, Metric, metrics
from adversity.errors import InputError
from adversity_plugins.metric._predictions import form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity import Table

__all__ = ["FlipProbability"]

Array = np.ndarray[Any, Any]
_TOP = 5


class FlipProbability(Metric):
    """Share of frames whose prediction is another than in the frame before, along sequences.

    A sequence is the samples of one `group`, in the order of the attribute `frame`; where samples
    have the attribute `perturbation`, as those of `cifar_p`, those that share it as well. Of noise
    each frame is another draw, so that it is compared with the first one, which is clean or nearly
    so; other frames with the one before. Labels play no part: a prediction that is wrong throughout
    never flips.

    `top5_distance` says how far the five classes in front move: the sum over the first five ranks i
    of the difference between i and the rank that the class has in the other frame, ranks behind the
    fifth counting as the sixth. It lies between 0 and 15, and is given for more than five classes.

    Both are means over sequences, and divided by AlexNet's they would be the flip rate and the
    top-5 distance of the benchmark's table. AlexNet's numbers on ImageNet-P are not ours to give,
    so mFR is not computed.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (section 4.2: flip probability, top-5 distance). The
    interval, over clean images, is ours.
    """

    name = "flip_probability"
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions "
        "and perturbations, 2019"
    )
    wants: ClassVar[tuple[str, ...]] = ("prediction", "group", "attribute_frame")
    needs_labels: ClassVar[bool] = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "flip_probability": MeasureInfo(
            0.0, 1.0, title="flip probability", better="lower", scale="share", group="corruptions"
        ),
        "top5_distance": MeasureInfo(
            0.0, 15.0, title="top-5 distance", better="lower", group="corruptions"
        ),
    }

    expected_failures: ClassVar[Mapping[str, str]] = {
        "produces": "it needs sequences; in the kit's tables each row is a group of its own",
    }

    compare: Literal["published", "before", "first"] = Field(
        default="published",
        description="with which frame one is compared: the one before, the first, or as published, "
        "the first for perturbations whose name has noise in it and the one before for others",
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `flip_probability`, and `top5_distance` where there are more than five classes.

        Raises:
            InputError: If a frame is there twice.
        """
        sequences = _sequences(table)
        if not sequences:
            return {}
        pairs = [
            (rows[:-1] if self._before(name) else rows[:1], rows[1:]) for name, rows in sequences
        ]
        groups = np.array([table["group"][rows[0]] for _, rows in sequences], dtype=object)
        said = {
            "sequences": len(sequences),
            "compared with": {
                "published": "the first frame of noise, else the one before",
                "before": "the frame before",
                "first": "the first frame",
            }[self.compare],
        }
        predictions = np.asarray(table["prediction"])
        flips = [float((predictions[old] != predictions[new]).mean()) for old, new in pairs]
        found = {"flip_probability": self._mean("flip_probability", flips, groups, said)}
        leading = _leading(table)
        if leading is not None:
            moved = [float(_distance(leading[old], leading[new]).mean()) for old, new in pairs]
            found["top5_distance"] = self._mean("top5_distance", moved, groups, said)
        return found

    def _before(self, perturbation: str) -> bool:
        """Say whether frames are compared with the one before, not with the first."""
        if self.compare == "published":
            return "noise" not in perturbation
        return self.compare == "before"

    def _mean(
        self, name: str, values: Sequence[float], groups: Array, said: Mapping[str, Any]
    ) -> Measure:
        """Return the mean over sequences; those of one clean image count as one draw."""
        info = self.produces[name]
        mean = metrics.mean_interval(
            values, within=(info.low, info.high), better=info.better, convention=said
        )
        mean = replace(mean, info=info)
        if metrics.are_grouped(groups):
            return metrics.grouped(mean, values, groups)
        # The samples of a sequence are one value here, so their group is allowed for.
        return mean if mean.method is None else replace(mean, method=f"{mean.method}, grouped")


def _sequences(table: Table) -> list[tuple[str, Array]]:
    """Return the rows of each sequence of two frames or more, in order, with its perturbation.

    Raises:
        InputError: If a frame is there twice, or has no number.
    """
    named = table.has("attribute_perturbation")
    names = table["attribute_perturbation"] if named else [""] * len(table)
    frames = _numbers(table["attribute_frame"])
    members: dict[tuple[str, str], list[int]] = {}
    for row, (name, group) in enumerate(zip(names, table["group"], strict=True)):
        if group is not None and not np.isnan(frames[row]):
            members.setdefault((str(name), str(group)), []).append(row)
    sequences = []
    for (name, group), found in sorted(members.items()):
        rows = np.array(found)
        rows = rows[np.argsort(frames[rows], kind="stable")]
        again = np.flatnonzero(np.diff(frames[rows]) == 0)
        if len(again):
            of = f"{name} of {group}" if name else group
            raise InputError(
                f"flip_probability: expected each frame of a sequence once, {of} has frame "
                f"{frames[rows][again[0]]:g} more than once; what tells two sequences of a group "
                "apart is the attribute `perturbation`"
            )
        if len(rows) > 1:
            sequences.append((name, rows))
    return sequences


def _numbers(frames: Array) -> Array:
    """Return the numbers of frames, which are texts where a CSV file names them.

    Raises:
        InputError: If one is no number.
    """
    try:
        return np.asarray(frames, dtype=np.float64)
    except ValueError as error:
        raise InputError(
            f"flip_probability: expected a number as the attribute frame of each sample ({error})"
        ) from error


def _leading(table: Table) -> Array | None:
    """Return the five classes in front of each row, `[N, 5]`; None for five classes or fewer.

    Of equal answers the class that comes first is ahead.
    """
    answer = form(table)
    if not table.has(answer):
        return None
    parts = []
    for part in table.parts():
        values = np.asarray(part[answer])
        if values.shape[1] <= _TOP:
            return None
        parts.append(np.argsort(-values, axis=1, kind="stable")[:, :_TOP])
    return np.concatenate(parts)


def _distance(old: Array, new: Array) -> Array:
    """Return the top-5 distance of pairs of frames.

    Args:
        old: `[P, 5]` classes by rank, or one row for all.
        new: `[P, 5]` likewise.

    Returns:
        `[P]` int64.
    """
    old = np.broadcast_to(old, new.shape)
    same = old[:, :, None] == new[:, None, :]
    places = np.where(same.any(axis=2), same.argmax(axis=2), _TOP)
    distance: Array = np.abs(places - np.arange(_TOP)).sum(axis=1)
    return distance
