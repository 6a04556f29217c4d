"""A+: super-resolution by a linear map for each kind of patch."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity.errors import DataError
from adversity_plugins.restoration.enlarge._patch_regression import PatchRegression

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["APlus"]

_FOR_ANCHORS = 100_000


class APlus(PatchRegression):
    """Enlarge by the map, learnt from photos, that belongs to the anchor nearest to each patch (A+).

    Patches of 3 x 3 small pixels, as first and second differences of the bicubic luma, are brought
    to some 30 numbers; 1024 anchors stand among them, and each has a ridge regression (penalty 0.1)
    from the 2048 nearest training patches to the detail that bicubic interpolation lacks. Cb and Cr
    are bicubic; a grey image is taken as it is.

    Fitted on any photos, which it shrinks itself, each at 12 scales; or on the images of a step
    that are `factor` times smaller than their references, as they are. It holds the photos and
    `patches` patches in memory: at the defaults 0.2 GB for factor 2 and 0.4 GB for factor 4.

    Where we differ: 500 000 patches, not 5 000 000; anchors of a K-SVD with one coefficient, not
    three; a patch and its negative are one while maps are learnt, too.

    Reference: Timofte, De Smet, Van Gool, "A+: Adjusted anchored neighborhood regression for fast
    super-resolution", 2014.
    """

    name: ClassVar[str] = "a_plus"
    reference: ClassVar[str] = (
        "Timofte, De Smet, Van Gool, A+: Adjusted anchored neighborhood regression for fast "
        "super-resolution, 2014"
    )
    arrays: ClassVar[tuple[str, ...]] = ("anchors", "maps")
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"atoms": 16, "neighbours": 256, "patches": 4000, "scales": 2},
    )

    atoms: int = Field(default=1024, ge=1, le=65_536, description="anchors, each with its map")
    neighbours: int = Field(
        default=2048, ge=1, le=100_000, description="training patches for each map"
    )
    penalty: float = Field(default=0.1, gt=0, le=1000, description="of the ridge regression")

    def learn(
        self, features: Tensor, details: Tensor, rng: np.random.Generator
    ) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the anchors `[K, d]` and maps `[K, (3 s)^2, d]`."""
        from adversity_plugins.restoration.enlarge._anchors import anchors_of, regressors_of

        if len(features) < self.atoms:
            raise DataError(
                f"a_plus: expected at least {self.atoms} patches for as many anchors, the photos "
                f"have {len(features)}; fit on more or larger ones, or lower `atoms`"
            )
        some = features
        if len(features) > _FOR_ANCHORS:
            some = features[rng.choice(len(features), _FOR_ANCHORS, replace=False)]
        anchors = anchors_of(some, self.atoms, rng)
        maps = regressors_of(
            features, details, anchors, neighbours=self.neighbours, penalty=self.penalty
        )
        return {"anchors": anchors.numpy(), "maps": maps.numpy()}

    def details(self, features: Tensor, learnt: Mapping[str, Tensor]) -> Tensor:
        """Return what the maps of the nearest anchors say, those of one anchor at once."""
        from adversity_plugins.restoration.enlarge._anchors import anchored, by_kind

        _, nearest = anchored(features, learnt["anchors"])
        return by_kind(features, nearest, learnt["maps"])
