"""pm-k: whether an answer stays right for the frames around one, in videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from adversity import Measure, MeasureInfo, Metric, metrics
from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity import Table

__all__ = ["PmK"]

Array = np.ndarray[Any, Any]


class PmK(Metric):
    """Share of frames that are right together with every frame up to k before and behind them.

    A video is the samples of one `group`, and the attribute `frame` numbers its frames. Where
    samples have the attribute `anchor`, those with 1 are counted; else each frame is. A frame
    counts as right if all frames of its video are whose numbers differ from its own by k at most,
    itself included; frames that are not there, as at the ends of a video, are not asked for. `pm_0`
    is the accuracy of the same frames by themselves, so that the difference is what small changes
    in time cost.

    A frame that shows several classes has one of them as its label and may have the others in the
    attribute `also`, names separated by semicolons: any of them is right.

    Reference: Shankar, Dave, Roelofs, Ramanan, Recht and Schmidt, "Do image classifiers generalize
    across time?", 2019 (pm-k accuracy, k = 10). The interval, over videos, is ours.
    """

    name = "pm_k"
    reference: ClassVar[str] = "Shankar et al., Do image classifiers generalize across time?, 2019"
    wants: ClassVar[tuple[str, ...]] = ("prediction", "correct", "group", "attribute_frame")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "pm_k": MeasureInfo(
            0.0, 1.0, title="pm-k accuracy", better="higher", scale="share", group="accuracy"
        ),
        "pm_0": MeasureInfo(
            0.0, 1.0, title="accuracy of the anchors", better="higher", scale="share"
        ),
    }

    expected_failures: ClassVar[Mapping[str, str]] = {
        "n_is_right": "it refuses a video that has a frame twice, which the check writes",
    }

    k: int = Field(default=10, ge=0, description="how many frames before and behind")

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `pm_k` and `pm_0`; nothing where no anchor has a label.

        Raises:
            InputError: If a frame is there twice, or has no number.
        """
        right, frames = _right(table), _numbers(table, "attribute_frame")
        judged = (
            np.asarray(table["target"]) >= 0 if table.has("target") else np.ones(len(right), bool)
        )
        anchors = judged.copy()
        if table.has("attribute_anchor"):
            anchors &= _numbers(table, "attribute_anchor") == 1
        videos: dict[str, list[int]] = {}
        for row, video in enumerate(table["group"]):
            if video is not None and judged[row] and not np.isnan(frames[row]):
                videos.setdefault(str(video), []).append(row)
        alone, stable, groups, sizes = [], [], [], []
        for video, found in sorted(videos.items()):
            rows = np.array(found)[np.argsort(frames[found], kind="stable")]
            _require_once(video, frames[rows])
            wrong = np.concatenate([[0], np.cumsum(~right[rows])])
            first = np.searchsorted(frames[rows], frames[rows] - self.k, side="left")
            last = np.searchsorted(frames[rows], frames[rows] + self.k, side="right")
            kept = anchors[rows]
            alone += right[rows][kept].tolist()
            stable += (wrong[last] == wrong[first])[kept].tolist()
            sizes += (last - first)[kept].tolist()
            groups += [video] * int(kept.sum())
        if not alone:
            return {}
        said = {
            "k": self.k,
            "videos": len(set(groups)),
            "frames of an anchor": f"{np.mean(sizes):.1f} on average, itself included",
        }
        return {
            "pm_k": self._share("pm_k", stable, groups, said),
            "pm_0": self._share("pm_0", alone, groups, said),
        }

    def _share(
        self, name: str, values: list[bool], groups: list[str], said: Mapping[str, Any]
    ) -> Measure:
        """Return a share of anchors, with an interval over videos."""
        measure = metrics.accuracy_of(np.array(values, dtype=bool))
        measure = replace(measure, info=self.produces[name], convention=said)
        if metrics.are_grouped(groups):
            return metrics.grouped(measure, np.array(values, dtype=bool), np.array(groups, object))
        # One anchor a video: the other frames are in no value of their own.
        return (
            measure
            if measure.method is None
            else replace(measure, method=f"{measure.method}, grouped")
        )


def _right(table: Table) -> Array:
    """Return which rows are right, `[N]` bool: by their label, or by another class they show."""
    right: Array = np.asarray(table["correct"], dtype=bool)
    if not table.has("attribute_also"):
        return right
    found = [
        name in str(also or "").split(";")
        for name, also in zip(
            (table.class_names[at] for at in np.asarray(table["prediction"]).tolist()),
            table["attribute_also"].tolist(),
            strict=True,
        )
    ]
    either: Array = right | np.array(found, dtype=bool)
    return either


def _numbers(table: Table, column: str) -> Array:
    """Return numbers, which are texts where a CSV file names them.

    Raises:
        InputError: If one is no number.
    """
    try:
        return np.asarray(table[column], dtype=np.float64)
    except (TypeError, ValueError) as error:
        name = column.removeprefix("attribute_")
        raise InputError(f"pm_k: expected a number as the attribute {name} ({error})") from error


def _require_once(video: str, frames: Array) -> None:
    """Refuse a video that has a frame twice.

    Raises:
        InputError: With the frame.
    """
    again = np.flatnonzero(np.diff(frames) == 0)
    if len(again):
        raise InputError(
            f"pm_k: expected each frame of a video once, {video} has frame "
            f"{frames[again[0]]:g} more than once; give each video a group of its own"
        )
