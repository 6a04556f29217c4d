"""Calibrators of netcal (F. Küppers and others)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from adversity_adapters.calibrating import PeerCalibrator

KUPPERS = "Küppers et al., Multivariate confidence calibration for object detection, 2020"


class NetcalTemperature(PeerCalibrator):
    """Temperature scaling of netcal."""

    name: ClassVar[str] = "netcal_temperature_scaling"
    reference: ClassVar[str] = KUPPERS
    licence: ClassVar[str] = "Apache-2.0"

    def build(self) -> Any:
        """Return the calibrator."""
        from netcal.scaling import TemperatureScaling

        return TemperatureScaling()


class NetcalHistogramBinning(PeerCalibrator):
    """Histogram binning of netcal, one class against the rest."""

    name: ClassVar[str] = "netcal_histogram_binning"
    reference: ClassVar[str] = KUPPERS
    licence: ClassVar[str] = "Apache-2.0"

    bins: int = Field(default=10, ge=1)

    def build(self) -> Any:
        """Return the calibrator."""
        from netcal.binning import HistogramBinning

        return HistogramBinning(bins=self.bins)


class NetcalIsotonicRegression(PeerCalibrator):
    """Isotonic regression of netcal, one class against the rest."""

    name: ClassVar[str] = "netcal_isotonic_regression"
    reference: ClassVar[str] = KUPPERS
    licence: ClassVar[str] = "Apache-2.0"

    def build(self) -> Any:
        """Return the calibrator."""
        from netcal.binning import IsotonicRegression

        return IsotonicRegression()


class NetcalBBQ(PeerCalibrator):
    """Bayesian binning into quantiles of netcal, one class against the rest."""

    name: ClassVar[str] = "netcal_bbq"
    reference: ClassVar[str] = KUPPERS
    licence: ClassVar[str] = "Apache-2.0"

    def build(self) -> Any:
        """Return the calibrator."""
        from netcal.binning import BBQ

        return BBQ()


PLUGINS = (NetcalTemperature, NetcalHistogramBinning, NetcalIsotonicRegression, NetcalBBQ)
