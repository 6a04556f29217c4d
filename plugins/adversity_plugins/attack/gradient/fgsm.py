"""FGSM: one step that is best for the linearised loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from adversity import NormBudget, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["FGSM"]


class FGSM(Targeted, NormBudget):
    """Fast gradient sign method: one step of length eps along the best linear direction.

    In linf this is the sign of the gradient; in l2 the normalised gradient and in l1 the
    steepest coordinates, each as far as the box [0, 1] leaves room.

    Reference: Goodfellow, Shlens, Szegedy, "Explaining and harnessing adversarial examples",
    2015, section 4. We differ in l2 and l1 near the box: the step is the exact maximum
    inside it, not a step that is clipped afterwards.
    """

    name: ClassVar[str] = "fgsm"
    image_channels: ClassVar[None] = None
    reference: ClassVar[str] = (
        "Goodfellow, Shlens, Szegedy, Explaining and harnessing adversarial examples, 2015"
    )
    stochastic: ClassVar[bool] = False

    loss: Annotated[
        Literal["ce", "margin"],
        Field(
            description="what is raised: ce cross-entropy, margin the lead of the best other class"
        ),
    ] = "ce"

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """One gradient."""
        return 1, 1

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Take one step from the images; `rng` is not used."""
        from adversity_plugins.attack._shared.losses import gradient_of
        from adversity_plugins.attack._shared.norms import Ball

        _, gradient = gradient_of(target, images, labels, loss=self.loss, targeted=self.targeted)
        return Ball(images, self.norm, self.eps).step(images, gradient, self.eps)
