"""Restorations: brightening and denoising, learned and not learned."""

from __future__ import annotations

from adversity import Restoration, hookimpl
from adversity_plugins.restoration.brighten.gamma_correction import GammaCorrection
from adversity_plugins.restoration.brighten.lime import LIME
from adversity_plugins.restoration.denoise.ffdnet import FFDNet
from adversity_plugins.restoration.denoise.non_local_means import NonLocalMeans


@hookimpl
def adversity_restorations() -> tuple[type[Restoration], ...]:
    """Return the built-in restorations."""
    return FFDNet, GammaCorrection, LIME, NonLocalMeans
