"""Calibration without bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import form, judgeable

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["SmoothECE"]


class SmoothECE(Metric):
    """Smooth calibration error of the top class: no bins, a kernel as wide as the error itself.

    It has no edges on which a number can hang, and changes continuously with the probabilities.
    """

    name = "smooth_ece"
    reference = "J. Blasiok, P. Nakkiran, Smooth ECE, 2023"
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "smooth_ece": MeasureInfo(0.0, 1.0, title="smooth ECE", better="lower", group="uncertainty")
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `smooth_ece`, without an interval; its convention holds the kernel's width."""
        if not judgeable(table):
            return {}
        seen, answer = metrics.SmoothAccumulator(), form(table)
        for part in table.parts():
            seen.update(*metrics.top_class(labels=part["target"], **{answer: part[answer]}))
        return {"smooth_ece": seen.value()}
