"""How many answers are accepted, and how good those are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import known_rows

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["Acceptance"]


class Acceptance(Metric):
    """Share of answers that are accepted, and their accuracy; right ones rejected, wrong accepted.

    A sample without a class of the classifier counts in the share that is accepted alone.
    The intervals are of the images, with the threshold as it was fitted.
    """

    name = "acceptance"
    always = True
    reference = (
        "R. El-Yaniv, Y. Wiener, On the foundations of noise-free selective classification, 2010"
    )
    wants = ("accepted",)
    unless = ("start_correct",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "accepted_share": MeasureInfo(0.0, 1.0, scale="share", group="uncertainty", headline=1),
        "accepted_accuracy": MeasureInfo(
            0.0, 1.0, better="higher", scale="share", group="uncertainty", headline=1
        ),
        "false_rejection_share": MeasureInfo(0.0, 1.0, better="lower", scale="share"),
        "false_acceptance_share": MeasureInfo(0.0, 1.0, better="lower", scale="share"),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `accepted_share`, and what there are answers for of the other three."""
        accepted = np.asarray(table["accepted"], dtype=np.bool_)
        if not len(accepted):
            return {}
        measures = {
            "accepted_share": metrics.share(int(accepted.sum()), len(accepted)),
        }
        for name, (hit, over, among) in _parts(table).items():
            if over.any():
                measures[name] = metrics.share(
                    int((hit & over).sum()), int(over.sum()), convention={"among": among}
                )
        return measures

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return which answers are accepted; NaN where a sample does not count in a share."""
        values = {"accepted_share": np.asarray(table["accepted"], dtype=np.bool_)}
        for name, (hit, over, _) in _parts(table).items():
            if over.any():
                values[name] = np.where(over, hit, np.nan)
        return values


def _parts(
    table: Table,
) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], str]]:
    """Return, for each share, what counts, among which rows `[N]`, and what these are."""
    if not table.has("correct"):
        return {}
    accepted, known = np.asarray(table["accepted"], dtype=np.bool_), known_rows(table)
    right = np.asarray(table["correct"], dtype=np.bool_)
    return {
        "accepted_accuracy": (right, known & accepted, "accepted answers"),
        "false_rejection_share": (~accepted, known & right, "right answers"),
        "false_acceptance_share": (accepted, known & ~right, "wrong answers"),
    }
