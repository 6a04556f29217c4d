"""Random noise within the budget: the control every attack must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from adversity import Access, NormBudget

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target
    from adversity_plugins.attack._shared.norms import Ball

__all__ = ["RandomNoise"]


class RandomNoise(NormBudget):
    """Random noise of the attack's size: the control for every robustness figure.

    In linf each value moves by plus or minus eps, the corners of the budget; in l2 and l1
    the draw is uniform in the ball. The best of `draws` by the victim's answer is kept.

    Reference: the control experiment of Goodfellow, Shlens, Szegedy, "Explaining and
    harnessing adversarial examples", 2015, section 4.
    """

    name: ClassVar[str] = "random_noise"
    reference: ClassVar[str] = (
        "Goodfellow, Shlens, Szegedy, Explaining and harnessing adversarial examples, 2015"
    )

    access: ClassVar[Access] = "decisions"
    control: ClassVar[bool] = True

    draws: Annotated[
        int, Field(ge=1, description="tried one after the other, until one fools the victim")
    ] = 1

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """A query for each draw but the last."""
        return self.draws - 1, 0

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the first draw that fools the victim, else the last one."""
        import torch

        from adversity_plugins.attack._shared.norms import Ball

        ball = Ball(images, self.norm, self.eps)
        best = self._draw(ball, rng.child(0))
        for draw in range(1, self.draws):
            fooled = target.decisions(best) != labels
            if bool(fooled.all()):
                break
            best = torch.where(fooled[:, None, None, None], best, self._draw(ball, rng.child(draw)))
        return best

    def _draw(self, ball: Ball, rng: SampleRng) -> Tensor:
        if self.norm != "linf":
            return ball.random(rng)
        signs = 2 * rng.bernoulli(0.5, tuple(ball.start.shape[1:])) - 1
        return ball.project(ball.start + self.eps * signs)
