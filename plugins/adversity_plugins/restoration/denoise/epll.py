"""EPLL: the image whose patches are all likely, under a mixture learnt from photos."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Fitted, State
from adversity.errors import DataError, NotFittedError, WeightsError
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._sliding import SIDE

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["EPLL"]


class EPLL(Fitted, KnownNoise):
    """Denoise so that all 8 x 8 patches are likely under a mixture learnt from photos (EPLL).

    The prior of a patch, less its mean, is a mixture of Gaussians of mean 0, fitted to patches of
    photos by EM. The image is restored by half quadratic splitting: in turns each patch gets the
    Wiener filter of its likeliest component, and the image becomes the mean of the noisy one and
    its patches, these counting 1, 4, 8, 16 and 32. Colour is turned by an orthonormal DCT over the
    channels first, and each channel restored with the one prior. Beyond its border the image is
    mirrored.

    Fitted on any photos, of which it takes the mean of the channels and draws `patches` patches;
    on a step whose images have references, on these.

    Where we differ: 200 000 patches, not 2 000 000.

    Not differentiable here, since which component is likeliest jumps; the backward pass sees the
    identity.

    Reference: Zoran, Weiss, "From learning models of natural image patches to whole image
    restoration", 2011.
    """

    name: ClassVar[str] = "epll"
    reference: ClassVar[str] = (
        "Zoran, Weiss, From learning models of natural image patches to whole image restoration, "
        "2011"
    )
    differentiable: ClassVar[bool] = False
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"components": 6, "patches": 3000, "rounds": 3},
    )
    heavy: ClassVar[str] = "fits a mixture, and tries each component on every patch"

    components: int = Field(default=200, ge=1, le=4096, description="Gaussians in the mixture")
    patches: int = Field(
        default=200_000, ge=100, le=20_000_000, description="most to learn from, drawn from all"
    )
    rounds: int = Field(default=10, ge=1, le=1000, description="turns of EM")
    seed: int = Field(default=0, ge=0, description="enters the generator of the fit")

    _mixture: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Learn the mixture from photos.

        Raises:
            DataError: If there are no images, or fewer patches than components.
        """
        import torch

        from adversity_plugins.restoration.denoise import _gaussian_mixture as mixtures
        from adversity_plugins.restoration.denoise._expected_patches import patch_waves

        patches = _drawn(_photos(data), self.patches, rng)
        if len(patches) < self.components:
            raise DataError(
                f"epll: expected at least {self.components} patches for as many components, the "
                f"photos have {len(patches)}; fit on more or larger ones, or lower `components`"
            )
        rows = (patches @ patch_waves(patches).T).to(self._device)
        draw = torch.Generator().manual_seed(int(rng.integers(2**63)))
        mixture = mixtures.seeded(rows, self.components, draw)
        mixture = mixtures.fitted(rows, mixture, self.rounds)
        arrays = {
            "weights": mixture.weights.cpu().numpy(),
            "covariances": mixture.covariances.float().cpu().numpy(),
        }
        return State(arrays, {"n": len(patches)})

    def load(self, state: State) -> None:
        """Take the mixture.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        import torch

        from adversity_plugins.restoration.denoise._gaussian_mixture import Mixture

        if set(state.arrays) != {"weights", "covariances"}:
            raise WeightsError("the state is not one of epll; run the step that fits it again")
        weights, covariances = (
            torch.from_numpy(state.arrays[key].copy()).double().to(self._device)
            for key in ("weights", "covariances")
        )
        self._mixture = Mixture(weights, covariances)

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        import torch

        from adversity_plugins.restoration.denoise._expected_patches import STRENGTHS, restored
        from adversity_plugins.restoration.denoise._mirror import (
            channels_apart,
            channels_together,
        )

        if self._mixture is None:
            raise NotFittedError(
                "restoration 'epll' has learnt nothing yet; give its step `fit_on:` a data set of "
                "photos, or call `.fit(photos)` in Python"
            )
        # The first channel is then the mean, on the scale of what the prior has seen.
        scale = len(image) ** 0.5
        with torch.no_grad():
            planes = channels_apart(image.detach()) / scale
            better = [
                restored(plane[None], self._mixture, sigma / scale, STRENGTHS) for plane in planes
            ]
            return channels_together(torch.cat(better) * scale)


def _photos(data: FitData) -> list[Tensor]:
    """Return the mean of the channels of each photo that is large enough, `[h, w]`."""
    photos = []
    for block in data:
        images = block.images if block.references is None else block.references
        if images is None:
            raise DataError("epll: expected images to be fitted on, got none")
        photos += [image.float().mean(0) for image in images]
    return [photo for photo in photos if min(photo.shape) >= SIDE]


def _drawn(photos: list[Tensor], most: int, rng: np.random.Generator) -> Tensor:
    """Return patches `[P, 64]`, drawn from all without replacement if there are more than `most`."""
    import torch

    views = [photo.unfold(0, SIDE, 1).unfold(1, SIDE, 1) for photo in photos]
    counts = [view.shape[0] * view.shape[1] for view in views]
    total, start = sum(counts), 0
    drawn = torch.arange(total)
    if total > most:
        drawn = torch.from_numpy(rng.choice(total, most, replace=False)).sort().values
    parts = [torch.zeros(0, SIDE**2)]
    for view, count in zip(views, counts, strict=True):
        rows = drawn[(drawn >= start) & (drawn < start + count)] - start
        down, right = rows // view.shape[1], rows % view.shape[1]
        parts.append(view[down, right].flatten(1).cpu())
        start += count
    return torch.cat(parts)
