"""Calibration of a table of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from adversity import MeasureInfo, Metric, metrics
from adversity.contracts.plot import Plot
from adversity_plugins.metric._predictions import by_row, form, groups_in, judgeable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from adversity import Measure, Table
    from adversity.metrics import ReliabilityBins

__all__ = ["ECE"]

_BARS = 50
"""Of more classes than these no bars are drawn."""


class ECE(Metric):
    """Expected calibration error of the top class or of each, and the signed confidence gap."""

    name = "ece"
    always = True
    reference = (
        "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "
        "On calibration of modern neural networks, 2017"
    )
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "ece": MeasureInfo(0.0, 1.0, title="ECE", better="lower", group="uncertainty", headline=4),
        "confidence_gap": MeasureInfo(-1.0, 1.0),
        "rms_calibration_error": MeasureInfo(
            0.0, 1.0, title="RMS calibration error", better="lower", group="uncertainty"
        ),
        "max_calibration_error": MeasureInfo(
            0.0, 1.0, title="largest calibration error", better="lower", group="uncertainty"
        ),
        "squared_calibration_error": MeasureInfo(
            -1.0, 1.0, title="squared calibration error", better="lower", group="uncertainty"
        ),
    }

    bins: int = Field(15, ge=1, description="How many bins.")
    edge: Literal["guo", "left"] = Field(
        "guo", description="Bins (low, high], or [low, high) with the last one closed."
    )
    spacing: Literal["width", "mass"] = Field(
        "width", description="Bins of equal width, or of equal numbers of images."
    )
    weights: Literal["count", "uniform"] = Field(
        "count", description="Bins weigh by their images, or all the same."
    )
    norm: Literal["l1", "l2", "max"] = Field(
        "l1",
        description="The mean of the gaps, `ece`; the root of that of their squares, "
        "`rms_calibration_error`; or the largest, `max_calibration_error`.",
    )
    classwise: bool = Field(
        False,  # noqa: FBT003  (a default)
        description="The mean over all classes of the error of each class's probability, in place "
        "of the top class's; with bins of equal mass all answers are held in memory.",
    )
    debias: bool = Field(
        False,  # noqa: FBT003  (a default)
        description="With norm l2: its square without what sampling adds to it, "
        "`squared_calibration_error`, which may lie below 0.",
    )
    compat: Literal["torchmetrics", "netcal", "mapie", "hendrycks"] | None = Field(
        None,
        description="As this package computes it, with its own rules for all but bins; "
        "hendrycks gives `rms_calibration_error`, without bins.",
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        """Refuse what does not go together."""
        rules = ("edge", "spacing", "weights", "norm", "classwise", "debias")
        changed = [
            name for name in rules if getattr(self, name) != type(self).model_fields[name].default
        ]
        if self.compat is not None and changed:
            raise ValueError(
                f"expected compat {self.compat!r} without {', '.join(changed)}, which it says "
                "itself: leave them out, or compat"
            )
        if self.debias and (self.norm, self.weights) != ("l2", "count"):
            raise ValueError(
                f"expected debias with norm l2 and weights count, got {self.norm} and "
                f"{self.weights}: only of squares by count is the bias known"
            )
        return self

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the error under the name that its norm has, and `confidence_gap`, above 0 too sure.

        The details of `ece` hold its `bins`, equal-mass bins for plots (`plot_bins`) and
        the `consistency` test: what a perfectly calibrated model would show, which is left out
        where samples come in groups. Those of the classwise error hold `per_class`.
        """
        if not judgeable(table):
            return {}
        rows = by_row(table, metrics.top_class)
        gap = metrics.confidence_gap_of(*rows)
        if (groups := groups_in(table)) is not None:
            gap = metrics.grouped(gap, rows[0] - rows[1], groups, within=(-1.0, 1.0))
        if self.compat is not None:
            asked = by_row(table, metrics.peer_rows, peer=self.compat)
            error = metrics.peer_ece_of(self.compat, *asked, bins=self.bins)
        elif self.classwise:
            error = self._classwise(table)
        else:
            error = self._of_top(rows, groups)
        return {self._measure: error, "confidence_gap": gap}

    @property
    def _measure(self) -> str:
        """What the error is called."""
        if self.debias:
            return "squared_calibration_error"
        norm = "l2" if self.compat == "hendrycks" else self.norm
        names = {"l1": "ece", "l2": "rms_calibration_error", "max": "max_calibration_error"}
        return names[norm]

    def _of_top(self, rows: tuple[Any, Any], groups: Any) -> Measure:
        reliability, plot = (
            metrics.binned(*rows, bins=self.bins, edge=self.edge, spacing=spacing)
            for spacing in (self.spacing, "mass")
        )
        error = metrics.calibration_error(
            reliability, weights=self.weights, norm=self.norm, debias=self.debias
        )
        if groups is not None:
            if (self.norm, self.weights) == ("l1", "count"):
                error = metrics.grouped_calibration(error, reliability, *rows, groups)
            drawn = {
                "bins": metrics.grouped_records(reliability, *rows, groups),
                "plot_bins": metrics.grouped_records(plot, *rows, groups),
            }
            return replace(error, details={**error.details, **drawn})
        details = {**error.details, "plot_bins": plot.records()}
        if self.norm == "l1":
            details["consistency"] = metrics.consistency_test(reliability, weights=self.weights)
        return replace(error, details=details)

    def _classwise(self, table: Table) -> Measure:
        error = metrics.classwise_error(
            self._each(table), weights=self.weights, norm=self.norm, debias=self.debias
        )
        each = error.details["per_class"]
        names = [str(name) for name in table.class_names] or [str(k) for k in range(len(each))]
        if len(each) > _BARS or len({*names}) != len(each):
            return error
        plot = Plot("bars", names, each, "class", "calibration error of its probability")
        return replace(error, details={**error.details, "plot": plot.as_json()})

    def _each(self, table: Table) -> Sequence[ReliabilityBins]:
        """Return the bins of each class; those of equal width a part of the table at a time."""
        answer = form(table)
        if self.spacing == "mass":
            given: dict[str, Any] = {answer: table[answer], "labels": table["target"]}
            return metrics.class_reliability(**given, bins=self.bins, spacing="mass")
        seen = metrics.ClasswiseAccumulator(table[answer].shape[1], bins=self.bins, edge=self.edge)
        for part in table.parts():
            seen.update(labels=part["target"], **{answer: part[answer]})
        return seen.value()
