"""HopSkipJump: a small failure found by the victim's decisions alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from adversity import Access, NearestBudget

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["HopSkipJump"]


class HopSkipJump(NearestBudget):
    """A walk along the decision boundary, in l2 or linf, by the victim's decisions alone.

    It starts at a random image that the victim has wrong, goes back to the boundary by halving,
    guesses the boundary's normal from the decisions around that point, and jumps along it. It
    works on any victim that names a class, whatever its gradients or scores look like. What comes
    back is the nearest failure that was queried; the image itself where no start was found,
    which `start_tries` limits. `queries` is never exceeded for any sample.

    With `eps` a sample leaves as soon as it has a failure within eps: its queries are what that
    took, and its distance is no longer the smallest that could be had.

    Reference: Chen, Jordan, Wainwright, "HopSkipJumpAttack: a query-efficient decision-based
    attack", 2020. We differ: the budget is one of queries, not of steps; where pixel noise does
    not fool the victim, coarser noise is tried; probes are never shorter than float32 images can
    hold.
    """

    name: ClassVar[str] = "hop_skip_jump"
    reference: ClassVar[str] = (
        "Chen, Jordan, Wainwright, HopSkipJumpAttack: a query-efficient decision-based attack, 2020"
    )
    access: ClassVar[Access] = "decisions"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"queries": 300},)
    heavy: ClassVar[str] = "thousands of queries, in each norm"

    norm: Annotated[Literal["l2", "linf"], Field(description="in which the change is measured")] = (
        "l2"
    )
    queries: Annotated[int, Field(ge=1, description="at most so many for each sample")] = 5000
    probes: Annotated[
        int,
        Field(ge=1, description="queries for the first normal; the t-th takes sqrt(t) times those"),
    ] = 100
    start_tries: Annotated[
        int, Field(ge=1, description="random images to start from, at most; each is a query")
    ] = 1000

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """`queries`."""
        return self.queries, 0

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the nearest failure found, the image itself where there is none."""
        from adversity_plugins.attack.decisions._hop_skip_jump_walk import hop_skip_jump

        return hop_skip_jump(target, images, labels, rng, self)
