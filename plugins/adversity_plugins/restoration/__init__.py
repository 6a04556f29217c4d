"""Restorations: brightening and denoising, learned and not learned."""

from __future__ import annotations

from adversity import Restoration, hookimpl
from adversity_plugins.restoration.ffdnet import FFDNet
from adversity_plugins.restoration.gamma_correction import GammaCorrection
from adversity_plugins.restoration.non_local_means import NonLocalMeans
from adversity_plugins.restoration.retinex import Retinex


@hookimpl
def adversity_restorations() -> tuple[type[Restoration], ...]:
    """Return the built-in restorations."""
    return FFDNet, GammaCorrection, NonLocalMeans, Retinex
