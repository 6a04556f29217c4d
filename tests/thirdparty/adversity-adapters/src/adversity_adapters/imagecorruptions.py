"""The 19 corruptions of ImageNet-C by imagecorruptions (E. Rusak, B. Mitzkus)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

from adversity_adapters.degrading import Drawn, Fixed, PeerCorruption

if TYPE_CHECKING:
    import numpy as np


class ImagecorruptionsDrawn(PeerCorruption):
    """A corruption of ImageNet-C that draws random numbers, by imagecorruptions."""

    name: ClassVar[str] = "imagecorruptions_drawn"
    licence: ClassVar[str] = "Apache-2.0"
    stochastic: ClassVar[bool] = True
    examples: ClassVar = tuple({"corruption": name, "severity": 3} for name in get_args(Drawn))

    corruption: Drawn = "gaussian_noise"

    def corrupt(self, image: np.ndarray[Any, Any], severity: int) -> Any:
        """Return `corrupt(image, severity=..., corruption_name=...)`."""
        from imagecorruptions import corrupt

        return corrupt(image, severity=severity, corruption_name=self.corruption)


class ImagecorruptionsFixed(PeerCorruption):
    """A corruption of ImageNet-C that draws nothing, by imagecorruptions."""

    name: ClassVar[str] = "imagecorruptions_fixed"
    licence: ClassVar[str] = "Apache-2.0"
    examples: ClassVar = tuple({"corruption": name, "severity": 3} for name in get_args(Fixed))

    corruption: Fixed = "defocus_blur"

    def corrupt(self, image: np.ndarray[Any, Any], severity: int) -> Any:
        """Return `corrupt(image, severity=..., corruption_name=...)`."""
        from imagecorruptions import corrupt

        return corrupt(image, severity=severity, corruption_name=self.corruption)


PLUGINS = (ImagecorruptionsDrawn, ImagecorruptionsFixed)
