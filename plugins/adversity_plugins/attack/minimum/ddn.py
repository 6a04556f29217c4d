"""DDN: a step along the gradient sets the direction, its own rule the distance in l2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from adversity import NearestBudget, Norm, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["DDN"]


class DDN(Targeted, NearestBudget):
    """Decoupled direction and norm: the nearest failure in l2, at a few hundred gradients.

    Each of the `steps` costs one gradient. A sample's distance shrinks by `gamma` while it is
    fooled and grows by it while it is not, and every point lies at that distance, as far as the
    box lets it. At the end at most 24 queries draw the nearest failure in. Where nothing is
    found, the image comes back as it was.

    Reference: Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, "Decoupling direction and
    norm for efficient gradient-based l2 adversarial attacks and defenses", 2019. We differ in
    four things: the margin is raised, not the cross-entropy, images are not rounded to 8 bits,
    the point after the last step counts, and the nearest failure is drawn in at the end.
    """

    name: ClassVar[str] = "ddn"
    reference: ClassVar[str] = (
        "Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, Decoupling direction and norm for "
        "efficient gradient-based l2 adversarial attacks and defenses, 2019"
    )
    stochastic: ClassVar[bool] = False
    heavy: ClassVar[str] = "many steps, in each norm"
    examples = ({"steps": 40},)

    norm: ClassVar[Norm] = "l2"
    steps: Annotated[int, Field(ge=1, description="gradients")] = 200
    first_radius: Annotated[float, Field(gt=0, description="distance of the first point")] = 1.0
    gamma: Annotated[
        float, Field(gt=0, lt=1, description="share by which the distance changes")
    ] = 0.05

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """A gradient a step, a query at the end, and 24 that draw the failure in."""
        return self.steps + 25, self.steps

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return, for each sample, the nearest failure that the search came by."""
        from adversity_plugins.attack.minimum._ddn_search import ddn
        from adversity_plugins.attack.minimum._nearest import Nearest

        nearest = Nearest(target, images, labels, norm="l2", targeted=self.targeted)
        ddn(nearest, steps=self.steps, first_radius=self.first_radius, gamma=self.gamma)
        return nearest.draw_in()
