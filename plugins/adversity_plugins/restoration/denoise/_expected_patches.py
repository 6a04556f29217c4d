"""Half quadratic splitting under a mixture of Gaussians as the prior of patches.

Reference: Zoran, Weiss, "From learning models of natural image patches to whole image
restoration", 2011, sections 3 and 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adversity_plugins.restoration.denoise._gaussian_mixture import Mixture, likelihoods
from adversity_plugins.restoration.denoise._mirror import cosines
from adversity_plugins.restoration.denoise._patchwise import patchwise
from adversity_plugins.restoration.denoise._sliding import SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["STRENGTHS", "likeliest", "patch_waves", "restored"]

STRENGTHS = (1, 4, 8, 16, 32)
"""How firmly patches are held to the image, turn after turn, in units of 1 / sigma^2."""
_BLOCK = 8192
"""So many patches at once: each has a likelihood under every component."""


def patch_waves(like: Tensor) -> Tensor:
    """Return the 63 orthonormal cosines of a patch whose mean is 0, `[63, 64]`."""
    line = cosines(SIDE, like)
    return torch.kron(line, line)[1:]


def likeliest(rows: Tensor, mixture: Mixture, variance: float) -> Tensor:
    """Return `[P, d]` without noise: the likeliest component's Wiener filter.

    Args:
        rows: `[P, d]`, noisy.
        mixture: Of clean ones.
        variance: Of the noise.
    """
    parts = [likelihoods(some, mixture, variance).argmax(1) for some in torch.split(rows, _BLOCK)]
    best, answer = torch.cat(parts), torch.empty_like(rows)
    values, vectors = torch.linalg.eigh(mixture.covariances)
    values = values.clamp(min=0)
    kept = (vectors * (values / (values + variance))[:, None]) @ vectors.mT
    for k in torch.unique(best).tolist():
        own = best == k
        answer[own] = rows[own] @ kept[k].to(rows)
    return answer


def restored(plane: Tensor, mixture: Mixture, sigma: float, strengths: Sequence[float]) -> Tensor:
    """Return `[1, H, W]` without noise.

    In turns all patches are restored as if the image had noise of variance 1 / beta, with their
    means, and the image becomes the mean of the noisy one and its patches, which minimises
    |x - y|^2 / (2 sigma^2) + beta / 2 * the mean of |patch of x - restored patch|^2.

    Args:
        plane: y, `[1, H, W]`.
        mixture: Of the 63 waves of a patch.
        sigma: Of the noise.
        strengths: Of each turn, beta in units of 1 / sigma^2.
    """
    waves, image = patch_waves(plane), plane
    for strength in strengths:
        variance = sigma**2 / strength

        def estimate(patches: Tensor, variance: float = variance) -> Tensor:
            return likeliest(patches @ waves.T, mixture, variance) @ waves

        image = (plane + strength * patchwise(image, estimate)) / (1 + strength)
    return image
