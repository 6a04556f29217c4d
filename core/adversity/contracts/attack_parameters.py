"""Parameters that many attacks have: derive from these, and write only what is your own.

They are attacks themselves, so that `class Mine(Targeted, NormBudget)` is all it takes; the
parameters of the last one named come first.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from adversity.contracts.attack import Attack
from adversity.contracts.threat import Norm

__all__ = ["NearestBudget", "NormBudget", "Targeted"]


class NormBudget(Attack):
    """An attack within a ball: its `norm`, and the radius `eps`.

    One that knows fewer norms says so: `norm: Literal["linf", "l2"] = "linf"`.
    """

    norm: Annotated[Norm, Field(description="in which the change is measured")] = "linf"
    eps: Annotated[float, Field(gt=0, description="radius on the [0, 1] scale, e.g. 8/255")]


class NearestBudget(Attack):
    """An attack that looks for the nearest failure, which counts within `eps`; None: anywhere.

    It says its norm: as a parameter, or as `norm: ClassVar[Norm] = "l2"` where it knows one.
    """

    threat = "minimum"

    eps: Annotated[
        float | None, Field(gt=0, description="a failure further than this is no success")
    ] = None


class Targeted(Attack):
    """An attack that can go for a class: the core computes it from `target` and gives it as label."""

    targeted: Annotated[
        bool,
        Field(
            description="whether a class of `target` is to be the answer, not just any wrong one"
        ),
    ] = False
    target: Annotated[
        Literal["next", "random", "least_likely"] | int,
        Field(
            description="the class aimed at: next after the true one, random, least_likely, or a number"
        ),
    ] = "next"
