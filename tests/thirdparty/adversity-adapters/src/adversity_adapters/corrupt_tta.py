"""The 19 corruptions of ImageNet-C by corrupt-tta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

from adversity_adapters.degrading import Drawn, Fixed, PeerCorruption

if TYPE_CHECKING:
    import numpy as np


class CorruptTtaDrawn(PeerCorruption):
    """A corruption of ImageNet-C that draws random numbers, by corrupt-tta."""

    name: ClassVar[str] = "corrupt_tta_drawn"
    stochastic: ClassVar[bool] = True
    examples: ClassVar = tuple({"corruption": name, "severity": 3} for name in get_args(Drawn))

    corruption: Drawn = "gaussian_noise"

    def corrupt(self, image: np.ndarray[Any, Any], severity: int) -> Any:
        """Return `corrupt(image, severity=..., corruption_name=...)`."""
        from corrupt_tta import corrupt

        return corrupt(image, severity=severity, corruption_name=self.corruption)


class CorruptTtaFixed(PeerCorruption):
    """A corruption of ImageNet-C that draws nothing, by corrupt-tta."""

    name: ClassVar[str] = "corrupt_tta_fixed"
    examples: ClassVar = tuple({"corruption": name, "severity": 3} for name in get_args(Fixed))

    corruption: Fixed = "defocus_blur"

    def corrupt(self, image: np.ndarray[Any, Any], severity: int) -> Any:
        """Return `corrupt(image, severity=..., corruption_name=...)`."""
        from corrupt_tta import corrupt

        return corrupt(image, severity=severity, corruption_name=self.corruption)


PLUGINS = (CorruptTtaDrawn, CorruptTtaFixed)
