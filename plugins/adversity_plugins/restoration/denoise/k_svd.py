"""K-SVD: patches as sums of few atoms of a dictionary that is learnt from the image."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._dictionary import learnt
from adversity_plugins.restoration.denoise._patchwise import some_patches
from adversity_plugins.restoration.denoise.omp import OMP

if TYPE_CHECKING:
    from torch import Tensor

_PATCHES = 131_072
"""What it learns from at most; of larger images every second, third ... patch each way."""


class KSVD(OMP):
    """Denoise all 8 x 8 patches as sums of few atoms of a dictionary learnt from them (K-SVD).

    The dictionary begins as the 256 cosines of `omp`, and is learnt from the noisy image alone,
    one for all channels: in turns the patches are coded, and each atom is fitted to the patches
    that took it. All else is as in `omp`.

    Where we differ: an atom that fewer than eight patches took stays as it is. Fitted to them it
    learns their noise, which on images of 48 x 48 costs a decibel; the published program moreover
    replaces atoms that are hardly used.

    Not differentiable here, since the dictionary hangs on the image, too; the backward pass sees
    the identity.

    Reference: Elad, Aharon, "Image denoising via sparse and redundant representations over
    learned dictionaries", 2006; Aharon, Elad, Bruckstein, "K-SVD: an algorithm for designing
    overcomplete dictionaries for sparse representation", 2006.
    """

    name: ClassVar[str] = "k_svd"
    reference: ClassVar[str] = (
        "Elad, Aharon, Image denoising via sparse and redundant representations over learned "
        "dictionaries, 2006"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"rounds": 2},)
    heavy: ClassVar[str] = "learns a dictionary from each image"

    rounds: int = Field(default=10, ge=1, le=200, description="turns of learning")

    def _dictionary(self, planes: Tensor, sigma: float) -> Tensor:
        return learnt(
            some_patches(planes, _PATCHES),
            super()._dictionary(planes, sigma),
            limit=self._limit(sigma),
            rounds=self.rounds,
        )
