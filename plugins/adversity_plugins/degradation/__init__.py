"""Degradations: noise, blur and darkness, each with a severity and with physical parameters."""

from __future__ import annotations

from adversity import Degradation, hookimpl
from adversity_plugins.degradation.blur.gaussian_blur import GaussianBlur
from adversity_plugins.degradation.light.low_light import LowLight
from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise


@hookimpl
def adversity_degradations() -> tuple[type[Degradation], ...]:
    """Return the built-in degradations."""
    return GaussianBlur, GaussianNoise, LowLight
