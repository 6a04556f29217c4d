"""The sub-population of samples on which a model is worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from adversity import MeasureInfo, Metric, metrics
from adversity.contracts.plot import Plot
from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError
from adversity_plugins.metric._predictions import class_targets, groups_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Measure, Table

__all__ = ["WorstGroup"]

_ATTRIBUTE = "attribute_"
_BARS = 50
"""Of more sub-populations than these no bars are drawn."""


class WorstGroup(Metric):
    """Accuracy where it is lowest among sub-populations, and the signed confidence gap at its largest.

    Sub-populations are the values of an attribute of the samples, or of several together, such as
    class and background. The interval of the accuracy is that of the smallest true one, whichever
    sub-population has it; those of all hold at once. Above 0 the gap says: too sure.
    """

    name = "worst_group"
    reference = (
        "S. Sagawa, P. W. Koh, T. B. Hashimoto, P. Liang, Distributionally robust neural networks for "
        "group shifts, 2020"
    )
    wants = ("target", "correct", "confidence")
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "worst_group_accuracy": MeasureInfo(
            0.0,
            1.0,
            title="worst-group accuracy",
            better="higher",
            scale="share",
            group="sub-populations",
            headline=1,
        ),
        "worst_group_confidence_gap": MeasureInfo(
            -1.0, 1.0, title="confidence gap, worst group", group="sub-populations"
        ),
    }

    across: tuple[str, ...] = Field(
        ("class",),
        min_length=1,
        description="What sub-populations are told by: `class` (the true one), `answer` (the predicted "
        "one), `group`, or attributes of the samples; of several, each combination is one.",
    )
    at_least: int = Field(
        5,
        ge=1,
        description="Sub-populations of fewer samples are left out, and counted in the convention.",
    )

    @field_validator("across", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: object) -> object:
        """Take one name for a list of it."""
        return (given,) if isinstance(given, str) else given

    @classmethod
    def step_only(cls) -> str:
        """Say why it stands in a step: not every table has the attributes."""
        return "it goes by attributes that not every table has"

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return both, each with all sub-populations in its details.

        Raises:
            InputError: The samples have no such attribute.
            DataError: There are more than 1000 sub-populations.
        """
        if class_targets(table) is None:
            return {}
        names, lacking = self._names(table)
        correct = np.asarray(table["correct"], dtype=np.bool_)
        options: dict[str, Any] = {"groups": groups_in(table), "at_least": self.at_least}
        confidence = np.asarray(table["confidence"], dtype=np.float64)
        found = {
            "worst_group_accuracy": metrics.worst_group_accuracy(correct, names, **options),
            "worst_group_confidence_gap": metrics.worst_group_gap(
                confidence, correct, names, **options
            ),
        }
        said = {"by": ", ".join(self.across)}
        if lacking:
            said["in_none"] = f"{lacking} of {len(table)} samples"
        return {
            name: _drawn(replace(measure, convention={**said, **measure.convention}))
            for name, measure in found.items()
            if measure is not None
        }

    def _names(self, table: Table) -> tuple[np.ndarray[Any, Any], int]:
        """Return the sub-population of each sample, None for one that lacks an attribute, `[N]`."""
        columns = [_written(table, key) for key in self.across]
        names = np.empty(len(table), dtype=object)
        for at, values in enumerate(zip(*columns, strict=True)):
            if None in values:
                continue
            pairs = zip(self.across, values, strict=True)
            several = ", ".join(f"{key} {value}" for key, value in pairs)
            names[at] = several if len(values) > 1 else values[0]
        return names, sum(name is None for name in names.tolist())


def _written(table: Table, key: str) -> list[str | None]:
    """Return the values of an attribute as text, None where a sample has none.

    Raises:
        InputError: There is no such column, or two.
    """
    of_classes: dict[str, Callable[[], Any]] = {
        "class": lambda: table["target"],
        "answer": lambda: table["prediction"],
    }
    own = _ATTRIBUTE + key
    if (key in of_classes or (key == "group" and table.has("group"))) and table.has(own):
        raise InputError(
            f"worst_group: expected {key} to mean one thing, got samples with an attribute of that "
            "name; rename the attribute"
        )
    if key in of_classes:
        classes = table.class_names
        return [classes[k] if 0 <= k < len(classes) else str(k) for k in of_classes[key]().tolist()]
    column = "group" if key == "group" else own
    if not table.has(column):
        there = [
            name.removeprefix(_ATTRIBUTE) for name in table.columns if name.startswith(_ATTRIBUTE)
        ]
        there += ["group"] if table.has("group") else []
        names = [*of_classes, *there]
        raise InputError(
            f"worst_group: expected samples with {key!r}, got some with {', '.join(names)}; "
            f"{did_you_mean(key, names) or 'name one of these with across'}"
        )
    return [_text(value) for value in table[column].tolist()]


def _text(value: object) -> str | None:
    """Write a value as `by:` does: whole numbers without a point."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _drawn(measure: Measure) -> Measure:
    """Add bars of all sub-populations, the worst first, where they are few enough."""
    groups = measure.details["groups"]
    if len(groups) > _BARS:
        return measure
    what = "accuracy" if "accuracy" in groups[0] else "confidence_gap"
    title = {"accuracy": "accuracy", "confidence_gap": "mean confidence - accuracy"}[what]
    names = [each["group"] for each in groups]
    plot = Plot("bars", names, [each[what] for each in groups], "sub-population", title)
    return replace(measure, details={**measure.details, "plot": plot.as_json()})
