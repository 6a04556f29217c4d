"""Total variation: the image near the noisy one that has the fewest, sharpest edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._total_variation import solved

if TYPE_CHECKING:
    from torch import Tensor


class TotalVariation(KnownNoise):
    """Denoise by penalising the length of the gradient, which keeps edges (ROF).

        x = argmin |x - y|^2 / 2 + strength * sigma * sqrt(C) * TV(x)

    TV is isotropic: the sum over pixels of the Euclidean norm of the differences down and right,
    in all C channels together, so that edges of colour fall in one place; sqrt(C) is by what
    noise makes that norm longer. Solved until the
    primal-dual gap is at most `tolerance` of the objective: the true optimum is no further off.
    Smooth areas become steps, fine texture goes.

    The gradient goes through the iterations.

    Reference: Rudin, Osher, Fatemi, "Nonlinear total variation based noise removal algorithms",
    1992; for colour: Blomgren, Chan, "Color TV: total variation methods for restoration of
    vector-valued images", 1998; here with the norm of Bresson, Chan, "Fast dual minimization of
    the vectorial total variation norm", 2008.
    """

    name: ClassVar[str] = "total_variation"
    reference: ClassVar[str] = (
        "Rudin, Osher, Fatemi, Nonlinear total variation based noise removal algorithms, 1992"
    )

    strength: float = Field(
        default=0.8, gt=0, le=10, description="weight of the variation, in units of sigma"
    )
    tolerance: float = Field(
        default=1e-4, ge=1e-6, le=0.1, description="gap to the optimum, as a share of the objective"
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        weight = self.strength * sigma * len(image) ** 0.5
        return solved(image, weight, self.tolerance).image
