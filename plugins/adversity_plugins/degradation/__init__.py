"""Degradations: noise, blur and darkness, each with a severity and with physical parameters."""

from __future__ import annotations

from adversity import Degradation, hookimpl
from adversity_plugins.degradation.gaussian_blur import GaussianBlur
from adversity_plugins.degradation.gaussian_noise import GaussianNoise
from adversity_plugins.degradation.low_light import LowLight


@hookimpl
def adversity_degradations() -> tuple[type[Degradation], ...]:
    """Return the built-in degradations."""
    return GaussianBlur, GaussianNoise, LowLight
