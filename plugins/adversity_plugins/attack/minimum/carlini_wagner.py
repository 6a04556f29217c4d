"""Carlini and Wagner: a distance is lowered and an answer reached, one weighed against the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from adversity import NearestBudget, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["CarliniWagner"]


class CarliniWagner(Targeted, NearestBudget):
    """Carlini and Wagner's attack, the nearest failure in l2 or linf; thorough and slow.

    Adam lowers the distance plus c times how far the logits are from the goal. In l2 each sample
    has its own binary search for c, `search_steps` descents of at most `steps` gradients. In linf
    values that move by more than tau cost, tau shrinks while failures are found, and c may rise
    `search_steps` times. A descent ends when the sample's own loss no longer falls. Then each of
    the `tangents` costs one gradient and at most 29 queries, and drawing the failure in
    costs at most 24 more. With `confidence` the answer must lead by so much in logits.

    Reference: Carlini, Wagner, "Towards evaluating the robustness of neural networks", 2017. We
    differ in three things: no end of a descent is decided for the whole batch, the point after
    the last step counts, and the failure moves along the boundary at the end and is drawn in.
    """

    name: ClassVar[str] = "carlini_wagner"
    reference: ClassVar[str] = (
        "Carlini, Wagner, Towards evaluating the robustness of neural networks, 2017"
    )
    stochastic: ClassVar[bool] = False
    heavy: ClassVar[str] = "many steps, in each norm"
    examples = (
        {"norm": "l2", "steps": 30, "search_steps": 5, "learning_rate": 0.05},
        {"norm": "linf", "steps": 30, "search_steps": 5, "learning_rate": 0.05},
    )

    norm: Annotated[Literal["l2", "linf"], Field(description="in which the change is measured")] = (
        "l2"
    )
    steps: Annotated[int, Field(ge=1, description="gradients of a descent at most")] = 1000
    search_steps: Annotated[
        int, Field(ge=1, description="l2: descents; linf: how often c may rise")
    ] = 9
    learning_rate: Annotated[float, Field(gt=0, description="of Adam")] = 0.01
    initial_c: Annotated[float, Field(gt=0, description="first weight of the answer")] = 1e-3
    confidence: Annotated[
        float, Field(ge=0, description="lead in logits that the answer must have")
    ] = 0.0
    tangents: Annotated[
        int, Field(ge=0, description="steps along the boundary at the end; 0 as in the paper")
    ] = 3

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """A gradient a step of each descent (200 in linf); the tangents, and drawing the failure in."""
        descents = self.search_steps if self.norm == "l2" else 200
        queries = descents * (self.steps + 1) + 24 + 30 * self.tangents
        return queries, descents * self.steps + self.tangents

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return, for each sample, the nearest failure that the descents came by."""
        from adversity_plugins.attack.minimum._carlini_wagner_search import (
            Descent,
            search_l2,
            search_linf,
        )
        from adversity_plugins.attack.minimum._nearest import Nearest
        from adversity_plugins.attack.minimum._tangents import along_boundary

        nearest = Nearest(
            target,
            images,
            labels,
            norm=self.norm,
            targeted=self.targeted,
            confidence=self.confidence,
        )
        search = search_l2 if self.norm == "l2" else search_linf
        search(
            nearest,
            Descent(self.steps, self.learning_rate),
            initial_c=self.initial_c,
            search_steps=self.search_steps,
        )
        return along_boundary(nearest, self.tangents)
