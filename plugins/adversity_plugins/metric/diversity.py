"""How unlike the members of an ensemble answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["Diversity"]


class Diversity(Metric):
    """Share of samples to which two members give unlike answers, a mean over all pairs of members.

    A member's answer is its most probable class. Members that never disagree are one network asked
    several times. Where there are labels: the share of samples that two members are both wrong
    about (double fault), and the accuracy of a member, also means over pairs and members. A member
    that guesses disagrees most, so read both beside each other.

    `from:` names a step with members: what combines several, or draws.
    """

    name = "diversity"
    reference = (
        "S. Fort, H. Hu, B. Lakshminarayanan, Deep ensembles: a loss landscape perspective, 2019, "
        "section 4; G. Giacinto, F. Roli, Design of effective neural network ensembles for image "
        "classification purposes, 2001, for the double fault"
    )
    wants = ("members",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "member_disagreement": MeasureInfo(
            0.0, 1.0, title="disagreement of members", group="uncertainty", headline=1
        ),
        "member_double_fault": MeasureInfo(
            0.0, 1.0, title="two members both wrong", better="lower", group="uncertainty"
        ),
        "member_accuracy": MeasureInfo(
            0.0, 1.0, title="accuracy of a member", better="higher", group="accuracy"
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the measures, each with Student's interval; of each pair in the details.

        The details of `member_disagreement` hold `pairs` `[M, M]`, the share for each two members.
        """
        if not len(table):
            return {}
        votes = _votes(table)
        return {
            name: replace(
                metrics.mean_interval(
                    values[~np.isnan(values)],
                    better=self.produces[name].better,
                    within=(0.0, 1.0),
                    convention={"answer": "most probable class", "members": votes.shape[1]},
                ),
                details=_pairs(votes) if name == "member_disagreement" else {},
            )
            for name, values in self._of_votes(table, votes).items()
            if not np.isnan(values).all()
        }

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return what the means are of; NaN of a label for a sample without one."""
        return self._of_votes(table, _votes(table)) if len(table) else {}

    @staticmethod
    def _of_votes(
        table: Table, votes: np.ndarray[Any, Any]
    ) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
        count = votes.shape[1]
        found: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
        ordered = count * (count - 1)
        if count > 1:
            # Of pairs in both orders, those that are alike: of v votes for a class v (v - 1).
            alike = sum((same := (votes == k).sum(1)) * (same - 1) for k in np.unique(votes))
            found["member_disagreement"] = 1 - np.asarray(alike, np.float64) / ordered
        if not table.has("target"):
            return found
        targets = np.asarray(table["target"])
        wrong = (votes != targets[:, None]).sum(1).astype(np.float64)
        wrong[targets < 0] = np.nan
        if count > 1:
            found["member_double_fault"] = wrong * (wrong - 1) / ordered
        return found | {"member_accuracy": 1 - wrong / count}


def _votes(table: Table) -> np.ndarray[Any, Any]:
    """Return the class that each member is for, `[N, M]`, a part of the table at a time."""
    return np.concatenate([np.asarray(part["members"]).argmax(2) for part in table.parts()])


def _pairs(votes: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return for each two members the share of samples that they answer unlike, `[M, M]`."""
    return {"pairs": [(votes != one[:, None]).mean(0).tolist() for one in votes.T]}
