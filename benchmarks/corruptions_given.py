"""What `corruptions.py` and the tests of the profile `reference` corrupt: names, images, seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["NAMES", "photographs"]

NAMES = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
)
"""ImageNet-C's 15 corruptions and its 4 extra ones, as its code names them."""


def photographs() -> Any:
    """Return `[3, 224, 224, 3]` uint8: two photos, and all grey levels in flat squares.

    Flat squares are where values fall exactly on a grey level, and where truncation shows a
    difference in the last bit.
    """
    from skimage import data

    levels = np.kron(np.arange(256).reshape(16, 16), np.ones((14, 14), int))
    return np.stack(
        [
            data.astronaut()[16:464:2, 30:478:2],
            data.coffee()[100:324, 200:424],
            np.repeat(levels[:, :, None], 3, axis=2).astype(np.uint8),
        ]
    )
