"""How often an attack has right answers rejected: denial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity import MeasureInfo, Metric
from adversity_plugins.metric._decision_attacks import (
    COLUMNS,
    Share,
    column,
    known_as,
    per_row,
    shares,
)
from adversity_plugins.metric._predictions import known_rows

if TYPE_CHECKING:
    import numpy as np

    from adversity import Measure, Table

__all__ = ["LookUnsure"]


class LookUnsure(Metric):
    """Success of an attack that has right answers rejected, and the rejected ones among right answers.

    The success is over the right answers that were accepted before the attack. Of all right answers
    `false_rejection_under_attack` counts those that are rejected before it or under it.
    """

    name = "look_unsure"
    always = True
    wants = (*COLUMNS, "look_unsure")
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "look_unsure_success": known_as("look-unsure success", 2),
        "false_rejection_under_attack": known_as(
            "false rejections under attack", 3, unattacked="false_rejection_share"
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the two, where there are rows to count among."""
        return shares(table, _parts(table))

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return what counts of each row; NaN where a sample does not count in a share."""
        return per_row(_parts(table))


def _parts(table: Table) -> dict[str, Share]:
    reached = column(table, "look_unsure")
    right = known_rows(table) & column(table, "start_correct")
    before = ~column(table, "start_accepted")
    return {
        "look_unsure_success": Share(
            reached, column(table, "attackable"), "right answers that were accepted"
        ),
        "false_rejection_under_attack": Share(before | reached, right, "right answers"),
    }
