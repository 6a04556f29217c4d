"""Square attack: fool a victim by its scores alone, with random squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from adversity import Access, NormBudget, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["Square"]


class Square(Targeted, NormBudget):
    """Random search with squares, by the victim's scores alone: no gradient to be masked.

    A square of the image is set to the bounds of the budget (linf), or a part of the budget is
    moved to a bump in another place (l2, l1); what raises the loss is kept. The squares get smaller
    as the `queries` are used up. A sample that is fooled leaves at once, and its queries are what
    it took; one that holds costs exactly `queries` for each restart. The loss is the margin, and
    cross-entropy for a targeted attack. Where it fools more than an attack by gradients does, those
    gradients were masked.

    Reference: Andriushchenko, Croce, Flammarion, Hein, "Square attack: a query-efficient black-box
    adversarial attack via random search", 2020; in l1 as Croce, Hein, "Mind the box: l1-APGD for
    sparse adversarial attacks", 2021. We differ: every sample has its own squares, which may touch
    every edge; in linf no query is spent on a square that changes nothing; the first point is one
    of the `queries`.
    """

    name: ClassVar[str] = "square"
    reference: ClassVar[str] = (
        "Andriushchenko, Croce, Flammarion, Hein, Square attack: a query-efficient black-box "
        "adversarial attack via random search, 2020"
    )
    access: ClassVar[Access] = "scores"
    # Fewer queries than by default: the kit attacks some hundred times.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"norm": "linf", "eps": 8 / 255, "queries": 200},
        {"norm": "l2", "eps": 0.5, "queries": 200},
        {"norm": "l1", "eps": 2.5, "queries": 200},
    )
    heavy: ClassVar[str] = "thousands of queries, in each norm"

    queries: Annotated[
        int, Field(ge=1, description="at most so many for each sample and restart")
    ] = 5000
    p_init: Annotated[
        float, Field(gt=0, le=1, description="share of the image that the first squares cover")
    ] = 0.8
    restarts: Annotated[
        int, Field(ge=1, description="searches from the start; the first that succeeds counts")
    ] = 1

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """`queries` for each restart."""
        return self.queries * self.restarts, 0

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the first image that fools, else the one with the highest loss."""
        from adversity_plugins.attack.scores._square_search import square_search

        return square_search(target, images, labels, rng, self)
