"""Agreement of two answers to the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["Agreement"]

_NAMED = 3
"""So many classes are named in a message."""


class Agreement(Metric):
    """Share of samples to which two steps give the same answer, and Cohen's kappa.

    Of a model before and after a restoration, of two models, of two seeds. Labels play no part:
    two that are wrong alike agree. `from:` and `against:` name predictions of the same samples.
    """

    name = "agreement"
    reference = "J. Cohen, A coefficient of agreement for nominal scales, 1960"
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "samples"
    wants = ("prediction",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "agreement": MeasureInfo(0.0, 1.0, better="higher", scale="share", group="accuracy"),
        "kappa": MeasureInfo(-1.0, 1.0, title="Cohen's kappa", better="higher", group="accuracy"),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `agreement`, and `kappa` where chance leaves something open.

        Raises:
            InputError: The classes differ, so that equal indices do not mean the same.
        """
        if reference is None or not len(table):
            return {}
        _require_same_classes(table.class_names, reference.class_names)
        first, second = table["prediction"], reference["prediction"]
        beyond_chance = metrics.kappa(first, second)
        more = {} if beyond_chance is None else {"kappa": beyond_chance}
        return {"agreement": metrics.agreement(first, second), **more}

    def per_pair(self, table: Table, reference: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return which rows have the same answer."""
        return {"agreement": np.asarray(table["prediction"] == reference["prediction"])}


def _require_same_classes(ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    """Refuse answers that index other classes.

    Raises:
        InputError: With how they differ.
    """
    if ours == theirs:
        return
    more = [_listed(sorted(set(a) - set(b))) for a, b in ((ours, theirs), (theirs, ours))]
    if any(more):
        sides = ("from:", "against:")
        how = " and ".join(
            f"{side} has {names}, which the other lacks"
            for side, names in zip(sides, more, strict=True)
            if names
        )
    else:
        at = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
        how = f"they stand in another order: class {at} is {ours[at]} and {theirs[at]}"
    raise InputError(
        f"agreement: expected two steps that answer with the same classes in the same order, but "
        f"{how}; compare models of the same classes"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (
        f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    )
