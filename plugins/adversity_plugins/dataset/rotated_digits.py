"""Handwritten digits rotated by known angles: what is to be estimated is the angle."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from adversity.contracts.values import Sample
from adversity_plugins.dataset.digits import Digits, enlarge

__all__ = ["RotatedDigits", "rotated"]

Array = np.ndarray[Any, Any]
_MOST = 30
"""Degrees: beyond, a 6 begins to be a 9."""
_GREYS = 1024
"""Values are rounded to so many steps, far above what libraries differ in sine and cosine."""


class RotatedDigits(Digits):
    """The real handwritten digits of scikit-learn, each rotated by a known angle, for regression.

    The target is the angle in degrees, anticlockwise, from -30 to 30: `target_names` is
    `angle_deg`. It comes from the SHA-256 of the raw digit, evenly spread and the same everywhere.
    How upright a writer wrote is not known, so that no method gets the angle without error. The
    images are those of `digits`, 32 x 32, turned about their centre with bilinear interpolation,
    black beyond the edge. Splits are those of `digits`: no digit stands in two.

    Reference:
        Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
        Learning Repository, 1998 (its test set, as in `sklearn.datasets.load_digits`).
    """

    name: ClassVar[str] = "rotated_digits"

    @property
    def class_names(self) -> tuple[str, ...]:
        """None: targets are numbers."""
        return ()

    @property
    def target_names(self) -> tuple[str, ...]:
        """The angle, in degrees."""
        return ("angle_deg",)

    def _label(self, digit: int, sha256: str) -> str:
        return repr(_angle_of(sha256))

    def _target(self, label: str) -> float:
        return float(label)

    def item(self, index: int) -> Sample:
        """Return digit `index` as `[32, 32]` float32 in [0, 1], rotated, ink white on black."""
        row = self._rows[index]
        angle = float(row.target)  # type: ignore[arg-type]  # the manifest has a number for each
        return Sample(image=rotated(enlarge(self._raw[index]), angle), target=angle, id=row.id)

    def describe(self) -> dict[str, Any]:
        """Return split sizes, source and licence for the report, and how digits are rotated."""
        said = "anticlockwise about the centre, bilinear; the angle comes from the digit's SHA-256"
        return {**super().describe(), "rotated": f"by {-_MOST} to {_MOST} degrees {said}"}


def rotated(image: Array, angle_deg: float) -> Array:
    """Turn an image anticlockwise about its centre, bilinearly, black beyond the edge.

    Args:
        image: `[H, W]` float32 in [0, 1].
        angle_deg: In degrees.

    Returns:
        `[H, W]` float32 in [0, 1], multiples of 1/1024.
    """
    height, width = image.shape
    turn = math.radians(angle_deg)
    down, right = np.mgrid[0:height, 0:width].astype(np.float64)
    down, right = down - (height - 1) / 2, right - (width - 1) / 2
    y = math.cos(turn) * down + math.sin(turn) * right + (height - 1) / 2
    x = math.cos(turn) * right - math.sin(turn) * down + (width - 1) / 2
    framed = np.pad(image.astype(np.float64), 1)
    y, x = np.clip(y + 1, 0, height + 1), np.clip(x + 1, 0, width + 1)
    top, left = np.minimum(y.astype(int), height), np.minimum(x.astype(int), width)
    low, side = y - top, x - left
    upper = (1 - side) * framed[top, left] + side * framed[top, left + 1]
    lower = (1 - side) * framed[top + 1, left] + side * framed[top + 1, left + 1]
    turned = (1 - low) * upper + low * lower
    grey: Array = (np.round(turned * _GREYS) / _GREYS).astype(np.float32)
    return grey


def _angle_of(sha256: str) -> float:
    """Return the angle of a digit, in tenths of a degree; the split goes by other places."""
    fraction = int(sha256[8:16], 16) / 2**32
    return round((2 * fraction - 1) * _MOST, 1)
