"""What A+ and the forest share: fitted on photos, they tell the detail of patches of the luma."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Fitted, Restoration, State, clip
from adversity.errors import NotFittedError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["PatchRegression"]


class PatchRegression(Fitted, Restoration):
    """Enlarge bicubically, then add to the luma the mean of what all patches say is missing."""

    restores: ClassVar[tuple[str, ...]] = ("downsample",)
    arrays: ClassVar[tuple[str, ...]]
    """The names of what is learnt, beside `basis`."""

    factor: int = Field(default=2, ge=2, le=8, description="times as high and as wide")
    patches: int = Field(
        default=500_000, ge=100, le=20_000_000, description="most to learn from, drawn from all"
    )
    scales: int = Field(
        default=12, ge=1, le=50, description="of each photo, each 0.98 of the one before"
    )
    seed: int = Field(default=0, ge=0, description="enters the generator of the fit")

    _learnt: Any = PrivateAttr(default=None)

    @abstractmethod
    def learn(
        self, features: Tensor, details: Tensor, rng: np.random.Generator
    ) -> Mapping[str, np.ndarray[Any, Any]]:
        """Learn what `arrays` names from features `[P, d]` and details `[P, (3 s)^2]`."""

    @abstractmethod
    def details(self, features: Tensor, learnt: Mapping[str, Tensor]) -> Tensor:
        """Return the details `[P, (3 s)^2]` of features `[P, d]`."""

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Learn from photos, or from pairs whose references are `factor` times as large.

        Raises:
            DataError: If their sizes are others, or there are too few patches.
        """
        from adversity_plugins.restoration.enlarge._patch_pairs import gather, training_patches

        photos = gather(data, self.factor, self.name)
        basis, features, details = training_patches(
            photos, self.factor, scales=self.scales, most=self.patches, rng=rng
        )
        arrays = {"basis": basis.numpy(), **self.learn(features, details, rng)}
        return State(arrays, {"factor": self.factor, "photos": len(photos), "n": len(features)})

    def load(self, state: State) -> None:
        """Take what was learnt.

        Raises:
            WeightsError: If the state is not one of this plugin and factor.
        """
        import torch

        names = {"basis", *self.arrays}
        if set(state.arrays) != names or state.info.get("factor") != self.factor:
            raise WeightsError(
                f"the state is not one of {self.name} for factor {self.factor}; run the step that "
                "fits it again"
            )
        self._learnt = {
            name: torch.from_numpy(value.copy()).to(self._device)
            for name, value in state.arrays.items()
        }

    def enlarges(self) -> int:
        """Return `factor`."""
        return self.factor

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return `[N, C, H * factor, W * factor]`.

        Raises:
            NotFittedError: Nothing was learnt yet.
        """
        import torch

        if self._learnt is None:
            raise NotFittedError(
                f"restoration {self.name!r} has learnt nothing yet; give its step `fit_on:` a data "
                "set of photos, or call `.fit(photos)` in Python"
            )
        return torch.cat([self._one(image[None]) for image in images])

    def _one(self, image: Tensor) -> Tensor:
        from torch.nn.functional import pad

        from adversity_plugins.restoration.enlarge._bicubic import enlarged, luma, reluminated
        from adversity_plugins.restoration.enlarge._patch_features import (
            AROUND,
            assembled,
            features_of,
        )

        small = pad(luma(image), (AROUND,) * 4, mode="replicate")
        features = features_of(small, self.factor) @ self._learnt["basis"]
        details = self.details(features, self._learnt)
        change = assembled(details, image.shape[2], image.shape[3], self.factor)
        return clip(reluminated(enlarged(image, self.factor), change))

    def surrogate(self, images: Tensor) -> Tensor:
        """Return the bicubic image: between the kinds of patches there are jumps."""
        from adversity_plugins.restoration.enlarge._bicubic import enlarged

        return clip(enlarged(images, self.factor))
