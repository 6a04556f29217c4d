"""NES: gradient steps by a victim's scores, the gradient being estimated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from adversity import Access, NormBudget, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["NES"]


class NES(Targeted, NormBudget):
    """Projected gradient steps in linf or l2 by scores alone, with estimated gradients.

    Each gradient is the mean over pairs of Gaussian probes on both sides of the point. A step
    costs `samples` queries and one more that judges the new point; a sample leaves as soon as it
    is fooled, and `queries` is never exceeded. Victims that round their input hide their gradient
    from probes as short as the default `sigma`; a longer one feels it.

    Reference: Ilyas, Engstrom, Athalye, Lin, "Black-box adversarial attacks with limited queries
    and information", 2018, section 2. We differ: probes stay in the box [0, 1]; the loss is the
    logit of cross-entropy's probability; the step is not annealed.
    """

    name: ClassVar[str] = "nes"
    reference: ClassVar[str] = (
        "Ilyas, Engstrom, Athalye, Lin, Black-box adversarial attacks with limited queries and "
        "information, 2018"
    )
    access: ClassVar[Access] = "scores"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"norm": "linf", "eps": 8 / 255, "queries": 306},
        {"norm": "l2", "eps": 0.5, "queries": 306},
    )
    heavy: ClassVar[str] = "thousands of queries, in each norm"

    norm: Annotated[Literal["linf", "l2"], Field(description="in which the change is measured")] = (
        "linf"
    )
    queries: Annotated[int, Field(ge=3, description="at most so many for each sample")] = 5000
    samples: Annotated[
        int, Field(ge=2, multiple_of=2, description="queries for one gradient, in pairs")
    ] = 50
    sigma: Annotated[
        float, Field(gt=0, le=1, description="standard deviation of the probes, on [0, 1]")
    ] = 0.001
    step_size: Annotated[
        float | None,
        Field(gt=0, description="length of a step; max(2.5 / steps, 0.1) * eps if left out"),
    ] = None
    momentum: Annotated[
        float, Field(ge=0, lt=1, description="share of the old direction that a step keeps")
    ] = 0.9
    loss: Annotated[
        Literal["ce", "margin"],
        Field(
            description="what is raised: ce cross-entropy, margin the lead of the best other class"
        ),
    ] = "ce"

    @model_validator(mode="after")
    def _one_step_is_paid(self) -> Self:
        if self.queries <= self.samples:
            raise ValueError(
                f"expected queries of at least samples + 1 = {self.samples + 1}, the price of one "
                f"step, got {self.queries}"
            )
        return self

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """`queries`."""
        return self.queries, 0

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the first point that fools, else the one with the highest loss."""
        from adversity_plugins.attack.scores._nes_walk import nes

        return nes(target, images, labels, rng, self)

    @property
    def length(self) -> float:
        """How long a step is."""
        if self.step_size is not None:
            return self.step_size
        steps = self.queries // (self.samples + 1)
        return max(2.5 / steps, 0.1) * self.eps
