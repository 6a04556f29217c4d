"""How often an attack has wrong answers accepted."""

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

__all__ = ["LookSure"]


class LookSure(Metric):
    """Success of an attack that has wrong answers accepted, and the accepted ones among wrong answers.

    The success is over the wrong answers that were rejected before the attack, those to samples of
    classes that the classifier lacks included. Of the wrong answers to samples that have a class
    `false_acceptance_under_attack` counts those that are accepted before it or under it.
    """

    name = "look_sure"
    always = True
    wants = (*COLUMNS, "look_sure")
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "look_sure_success": known_as("look-sure success", 2),
        "false_acceptance_under_attack": known_as(
            "false acceptances under attack", 3, unattacked="false_acceptance_share"
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the two, where there are rows to count among."""
        return shares(table, _parts(table))

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return what counts of each row; NaN where a sample does not count in a share."""
        return per_row(_parts(table))


def _parts(table: Table) -> dict[str, Share]:
    reached = column(table, "look_sure")
    wrong = known_rows(table) & ~column(table, "start_correct")
    before = column(table, "start_accepted")
    return {
        "look_sure_success": Share(
            reached, column(table, "attackable"), "wrong answers that were rejected"
        ),
        "false_acceptance_under_attack": Share(before | reached, wrong, "wrong answers"),
    }
