"""Drops of water: light and dark rims of patches, by filters on 8-bit images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["drops"]

_LOW, _HIGH, _FAR = 50, 150, 20
_EMBOSS = ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))


def drops(liquid: NDArray[np.uint8]) -> Any:
    """Return `[H, W]` float32 in [0, 1], how much water colour is added to each pixel.

    Distances from the patches' edges, up to 20 pixels, are smoothed, spread over all grey
    levels, lit from one corner, and multiplied by the patches; 1 is the brightest. Without any
    patch all is 0.

    Args:
        liquid: `[H, W]` uint8, 0 where there is none.
    """
    import numpy as np

    from adversity_plugins.degradation.weather._edges import canny, distance

    near = distance(canny(liquid, _LOW, _HIGH), _FAR)
    # Sums of nine distances, whole numbers of 1/65536 up to 20, are exact in float32, ...
    levels = _equalized((_window_sum(near) / np.float32(9)).astype(np.uint8))
    # ... and those of nine grey levels in 16 bits; a ninth of one is no half.
    smooth = np.rint(_window_sum(_embossed(levels).astype(np.int16)) / np.float32(9))
    light = liquid * smooth
    most = light.max()
    return light / most if most > 0 else light


def _wide(values: NDArray[Any]) -> Any:
    """Add one mirrored row and column on each side, the border not repeated; of one, itself."""
    import numpy as np

    # `np.pad` takes as long as the sums.
    height, width = values.shape
    wide = np.empty((height + 2, width + 2), values.dtype)
    wide[1:-1, 1:-1] = values
    wide[0], wide[-1] = wide[min(2, height)], wide[max(height - 1, 1)]
    wide[:, 0], wide[:, -1] = wide[:, min(2, width)], wide[:, max(width - 1, 1)]
    return wide


def _window_sum(values: NDArray[Any]) -> Any:
    """Return the sums over 3 x 3 windows."""
    wide = _wide(values)
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    return rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]


def _embossed(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Light the relief from the upper left corner."""
    import numpy as np

    wide, (height, width) = _wide(values.astype(np.int16)), values.shape
    total = np.zeros(values.shape, np.int16)
    for row, line in enumerate(_EMBOSS):
        for column, weight in enumerate(line):
            if weight:
                total += weight * wide[row : row + height, column : column + width]
    return total.clip(0, 255).astype(np.uint8)


def _equalized(values: NDArray[np.uint8]) -> Any:
    """Spread the values over 0 to 255 by their histogram; one level alone stays."""
    import numpy as np

    counts = np.bincount(values.ravel(), minlength=256)
    first = int(np.flatnonzero(counts)[0])
    if counts[first] == values.size:
        return values
    scale = np.float32(255) / np.float32(values.size - counts[first])
    counts[first] = 0
    return np.rint(np.cumsum(counts).astype(np.float32) * scale).astype(np.uint8).take(values)
