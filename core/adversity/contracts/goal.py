"""What an attack is after: whom it can attack, when it has reached its aim, and the words for both.

Everything that reads an attack's table asks its goal which columns those are. An attack on the
decision whether to accept an answer says nothing of accuracy, and has neither column of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["GOALS", "Goal", "Objective", "goal_named"]

Objective = Literal["look_sure", "look_unsure"]
"""`look_sure`: a wrong answer is accepted; `look_unsure`: a right one is rejected."""
_SHARED = frozenset({"start_correct", "distance", "queries", "gradients"})


@dataclass(frozen=True, slots=True)
class Goal:
    """What an attack is after.

    Attributes:
        name: As `objective:` names it.
        open: The column of its table that says who can be attacked, `[N]` bool.
        reached: The column that says of whom the aim was reached within the budget, `[N]` bool.
        columns: The columns of its table that no other step has.
        who: Who can be attacked: `right answers`.
        aim: What it tries, after the images that it changes: `to change the answer of`.
        stratum: What the report calls the images with which it succeeds.
    """

    name: str
    open: str
    reached: str
    columns: frozenset[str] = field(repr=False)
    who: str
    aim: str
    stratum: str

    @property
    def objective(self) -> Objective | None:
        """What of a decision is attacked; None where it is the answer."""
        return self.name if self.name in ("look_sure", "look_unsure") else None  # type: ignore[return-value]

    @property
    def of_answer(self) -> bool:
        """Whether it is after another answer: then alone accuracy under attack is measured."""
        return self.objective is None

    @property
    def words(self) -> str:
        """The name as people read it: `look unsure`."""
        return self.name.replace("_", " ")

    def standing(self, rows: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which samples of a table were open to it and withstood, `[N]` bool."""
        stand: np.ndarray[Any, np.dtype[np.bool_]] = rows[self.open] & ~rows[self.reached]
        return stand

    def turned(self, rows: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return with which samples of a table it had its aim, however far they were moved, `[N]` bool."""
        wrong = ~rows["correct"].astype(bool)
        if self.objective is not None:
            accepted = rows["accepted"].astype(bool)
            wrong = wrong & accepted if self.name == "look_sure" else ~accepted
        turned: np.ndarray[Any, np.dtype[np.bool_]] = rows[self.open].astype(bool) & wrong
        return turned


_GOALS = (
    Goal(
        "misclassify",
        "start_correct",
        "fooled",
        _SHARED | {"fooled", "failure_distance", "solved_at"},
        "right answers",
        "to change the answer of",
        "flipped by the attack",
    ),
    Goal(
        "look_sure",
        "attackable",
        "look_sure",
        _SHARED | {"attackable", "start_accepted", "look_sure"},
        "wrong answers that were rejected",
        "to have wrong answers accepted by",
        "made to look sure by the attack",
    ),
    Goal(
        "look_unsure",
        "attackable",
        "look_unsure",
        _SHARED | {"attackable", "start_accepted", "look_unsure"},
        "right answers that were accepted",
        "to have right answers rejected by",
        "made to look unsure by the attack",
    ),
)
GOALS: Mapping[str, Goal] = MappingProxyType({goal.name: goal for goal in _GOALS})
"""By name, as `objective:` has it."""


def goal_named(name: object) -> Goal:
    """Return the goal of this name; `misclassify` where there is none."""
    return GOALS[str(name or "misclassify")]
