"""Spatial attack: the worst rotation and translation of each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from adversity import Access, Attack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target
    from adversity.contracts import Perturbed

__all__ = ["Spatial"]


class Spatial(Attack):
    """Rotation and translation: the worst of them for each image.

    An image is turned about its middle and then moved; what comes in from outside is black,
    values between pixels are bilinear. `grid` tries every combination of `angles` x `shifts` x
    `shifts` and is the one to report; `random` is the worst of `draws`; `first_order` climbs
    along the gradient from `draws` starts and is far weaker, as its paper says. Every image
    has its own worst case; no rotation is shared.

    Reference: Engstrom, Tran, Tsipras, Schmidt, Madry, "Exploring the landscape of spatial
    robustness", 2019: their grid is 31 angles by 5 by 5 shifts, up to 30 degrees and a tenth
    of the side. We differ in that solved images leave the search.
    """

    name: ClassVar[str] = "spatial"
    reference: ClassVar[str] = (
        "Engstrom, Tran, Tsipras, Schmidt, Madry, Exploring the landscape of spatial robustness, "
        "2019"
    )
    threat = "parametric"
    access: ClassVar[Access] = "gradients"
    examples: ClassVar[tuple[Mapping[str, object], ...]] = (
        {"method": "grid", "angles": 5, "shifts": 3},
        {"method": "random", "draws": 5},
        {"method": "first_order", "draws": 2, "steps": 5, "early_stop": False},
    )
    heavy: ClassVar[str] = "a grid of angles and shifts for each image"

    angle_deg: Annotated[
        float, Field(ge=0, le=180, description="largest angle, either way, in degrees")
    ] = 30.0
    shift: Annotated[
        float, Field(ge=0, le=1, description="largest shift, either way, as a share of the side")
    ] = 0.1
    method: Annotated[
        Literal["grid", "random", "first_order"],
        Field(
            description="how rotations and shifts are searched: on a grid, at random, by gradients"
        ),
    ] = "grid"
    angles: Annotated[int, Field(ge=1, description="of the grid; odd holds 0")] = 31
    shifts: Annotated[int, Field(ge=1, description="of the grid, in each direction")] = 5
    draws: Annotated[int, Field(ge=1, description="of random, or starts of first_order")] = 10
    steps: Annotated[int, Field(ge=1, description="of first_order")] = 20
    early_stop: Annotated[bool, Field(description="whether solved images leave")] = True

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """The angle in degrees, the shifts as shares of the side."""
        return {
            "angle_deg": (-self.angle_deg, self.angle_deg),
            "shift_x": (-self.shift, self.shift),
            "shift_y": (-self.shift, self.shift),
        }

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """A query for each point; `first_order` a gradient before each."""
        if self.method == "grid":
            return self.angles * self.shifts**2, 0
        if self.method == "random":
            return self.draws, 0
        return 2 * self.draws * self.steps, self.draws * self.steps

    def apply(self, images: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        """Turn each image anticlockwise and move it right and down."""
        import torch

        from adversity_plugins.attack.parametric._rotation import moved

        names = ("angle_deg", "shift_x", "shift_y")
        return moved(images, torch.stack([parameters[name].double() for name in names], 1))

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Perturbed:
        """Return each image's worst rotation and translation that was tried."""
        import torch

        from adversity.contracts import Perturbed
        from adversity_plugins.attack.parametric._rotation import Search, moved

        reach = torch.tensor([high for _, high in self.bounds.values()], dtype=torch.float64)
        search = Search(target, images, labels, reach, early_stop=self.early_stop)
        if self.method == "grid":
            search.grid(self.angles, self.shifts)
        elif self.method == "random":
            search.random(rng, self.draws)
        else:
            search.climb(rng, self.draws, self.steps)
        return Perturbed(
            moved(images, search.best),
            {name: search.best[:, column] for column, name in enumerate(self.bounds)},
        )
