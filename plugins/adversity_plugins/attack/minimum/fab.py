"""FAB: look for the nearest failure along the boundary of the victim's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from adversity import NormBudget

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["FAB"]


class FAB(NormBudget):
    """Fast adaptive boundary attack: the nearest failure, counted where it is within eps.

    It needs no step size, and the scale of the logits does not matter. With `targets = 0` each step
    goes to the nearest boundary of all, for one backward pass a class; with `targets = n` there is
    a walk for each of the n most likely other classes, for one backward pass a step (`fab-t` of
    AutoAttack is `targets = 9`). As long as `early_stop` is on, a sample leaves with the first
    image that fools within eps; switch it off to get the nearest one. A sample for which nothing is
    found within eps comes back as the worst point of the budget that was seen.

    Reference: Croce, Hein, "Minimally distorted adversarial examples with a fast adaptive boundary
    attack", 2020. We differ: projections are exact in float64, the image's own point on the last
    plane is tried as well, the last search on the segment to the image halves and interpolates in
    turn, and what lies beyond eps is projected into the budget and tried once more.
    """

    name: ClassVar[str] = "fab"
    reference: ClassVar[str] = (
        "Croce, Hein, Minimally distorted adversarial examples with a fast adaptive boundary "
        "attack, 2020"
    )
    # Several walks, as the first draws no random numbers.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"norm": "linf", "eps": 4 / 255, "steps": 5, "restarts": 3},
        {"norm": "l2", "eps": 0.25, "steps": 5, "restarts": 3},
        {"norm": "l1", "eps": 1.25, "steps": 5, "restarts": 3},
    )
    heavy: ClassVar[str] = "many steps, in each norm"

    steps: Annotated[int, Field(ge=1, description="gradients of a walk")] = 100
    restarts: Annotated[int, Field(ge=1, description="walks; the first starts at the image")] = 1
    targets: Annotated[
        int, Field(ge=0, description="so many of the most likely other classes; 0: the nearest")
    ] = 0
    early_stop: Annotated[
        bool, Field(description="a sample leaves once it is fooled within eps: not the nearest")
    ] = True

    @property
    def costs_at_most(self) -> tuple[int, int] | None:
        """Two queries and a gradient a step, nine queries at the end of each walk.

        Without `targets` a step takes a gradient for each class, and how many there are is not
        known here.
        """
        if not self.targets:
            return None
        walks = self.restarts * self.targets
        return 1 + walks * (2 * self.steps + 9), walks * self.steps

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return images that fool within eps, else the worst point in the budget."""
        from adversity_plugins.attack.minimum._fab_search import fab_attack

        return fab_attack(target, images, labels, rng, self)
