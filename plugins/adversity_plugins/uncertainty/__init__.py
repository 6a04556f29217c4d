"""Built-in uncertainty methods: scores and calibration of stored predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import hookimpl
from adversity_plugins.uncertainty.calibration.temperature_scaling import TemperatureScaling
from adversity_plugins.uncertainty.score.entropy import Entropy
from adversity_plugins.uncertainty.score.max_softmax import MaxSoftmax

if TYPE_CHECKING:
    from adversity.contracts.uncertainty import Uncertainty

__all__ = ["Entropy", "MaxSoftmax", "TemperatureScaling"]


@hookimpl
def adversity_uncertainties() -> tuple[type[Uncertainty], ...]:
    """Return the built-in uncertainty methods."""
    return (MaxSoftmax, Entropy, TemperatureScaling)
