"""The boundary attack: a small failure in l2, found by decisions and patience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from adversity import Access, NearestBudget, Norm

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["Boundary"]


class Boundary(NearestBudget):
    """A random walk along the decision boundary, in l2, by the victim's decisions alone.

    It starts at a random image that the victim has wrong, goes back to the boundary by halving,
    and walks: a random step along the sphere around the image, then one towards the image, kept
    where the victim is still wrong. Both steps follow their success. No normal is guessed, so
    that a boundary without one is no obstacle. What comes back is the nearest failure that was
    queried; the image itself where no start was found, which `start_tries` limits. `queries` is
    never exceeded for any sample.

    With `eps` a sample leaves as soon as it has a failure within eps: its queries are what that
    took, and its distance is no longer the smallest that could be had.

    Reference: Brendel, Rauber, Bethge, "Decision-based adversarial attacks: reliable attacks
    against black-box machine learning models", 2018. We differ: the start is brought to the
    boundary by halving; the steps are adapted after each answer; where pixel noise does not fool
    the victim, coarser noise is tried.
    """

    name: ClassVar[str] = "boundary"
    reference: ClassVar[str] = (
        "Brendel, Rauber, Bethge, Decision-based adversarial attacks: reliable attacks against "
        "black-box machine learning models, 2018"
    )
    access: ClassVar[Access] = "decisions"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"queries": 300},)

    norm: ClassVar[Norm] = "l2"
    heavy: ClassVar[str] = "thousands of queries, in each norm"
    queries: Annotated[int, Field(ge=1, description="at most so many for each sample")] = 5000
    sideways: Annotated[
        float, Field(gt=0, lt=1, description="first step along the sphere, of the distance")
    ] = 0.1
    nearer: Annotated[
        float, Field(gt=0, lt=1, description="first step towards the image, of the distance")
    ] = 0.01
    start_tries: Annotated[
        int, Field(ge=1, description="random images to start from, at most; each is a query")
    ] = 1000

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """`queries`."""
        return self.queries, 0

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the nearest failure found, the image itself where there is none."""
        from adversity_plugins.attack.decisions._boundary_walk import boundary_walk

        return boundary_walk(target, images, labels, rng, self)
