"""What becomes of a point: kernels of a lens, of a movement, and of a file.

Each is `[k, k]` float64 with k odd, not negative, with the sum 1.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from adversity import SampleRng

__all__ = ["along", "disk", "gaussian", "kernel_in", "line", "trajectory"]

_FINE = 16
"""A pixel of the disk is cut into so many rows and columns."""
_PER_PIXEL = 32
"""Points of a straight line for each pixel of its length."""
_FULL_WIDTH = 2 * math.sqrt(2 * math.log(2))
"""Width of a Gaussian at half its maximum, in sigmas."""
_STEPS = 2000
_LENGTH_PX = 60.0
_ANXIETY = 0.005
"""Steps of a path, its length in the pixels of the centripetal pull, and how restless the hand is:
the values of the authors' program."""


def gaussian(size_px: float) -> NDArray[Any]:
    """Return a Gaussian that is `size_px` wide at half its maximum, cut at 4 sigma."""
    from adversity_plugins.degradation._shifted import gaussian_line

    weights = gaussian_line(size_px / _FULL_WIDTH).numpy()
    kernel: NDArray[Any] = weights[:, None] * weights
    return kernel


def disk(size_px: float) -> NDArray[Any]:
    """Return a disk of diameter `size_px`: for each pixel the share of it that is inside."""
    import numpy as np

    reach = math.ceil(max(0.0, size_px / 2 - 0.5))
    count = (2 * reach + 1) * _FINE
    at = (np.arange(count) + 0.5) / _FINE - (reach + 0.5)
    inside = at[:, None] ** 2 + at**2 <= (size_px / 2) ** 2
    shares = inside.reshape(2 * reach + 1, _FINE, 2 * reach + 1, _FINE).mean((1, 3))
    if not shares.any():  # smaller than the parts of a pixel
        shares[reach, reach] = 1
    kernel: NDArray[Any] = shares / shares.sum()
    return kernel


def line(size_px: float, angle_degrees: float) -> NDArray[Any]:
    """Return a steady motion along a straight line of length `size_px`.

    Args:
        size_px: In pixels.
        angle_degrees: From the right, anticlockwise.
    """
    import numpy as np

    count = max(1, math.ceil(size_px * _PER_PIXEL))
    far = ((np.arange(count) + 0.5) / count - 0.5) * size_px
    angle = math.radians(angle_degrees)
    return along(-math.sin(angle) * far, math.cos(angle) * far)


def trajectory(size_px: float, rng: SampleRng) -> NDArray[Any]:
    """Return the path of an unsteady hand, whose larger side is `size_px`; its mean is the centre.

    At each step of equal length the direction is pushed at random, pulled back to where the
    path began, and now and then reversed. How strong each is, is drawn for each path.

    Args:
        size_px: In pixels.
        rng: Of one sample.

    Reference: Boracchi and Foi, "Modeling the performance of image restoration from motion
    blur", 2012, section II-B.
    """
    import numpy as np

    pull, push, shakes, angle = rng.uniform((4,))[0].double().tolist()
    pull, push, shakes = 0.7 * pull, 10 * push, 0.2 * shakes * _ANXIETY
    step = _LENGTH_PX / (_STEPS - 1)
    pushes = rng.normal((_STEPS, 2))[0].double().tolist()
    turns = rng.uniform((_STEPS, 2))[0].double().tolist()
    place, heading = 0j, cmath.rect(1, 2 * math.pi * angle)
    path = [place]
    for (right, down), (chance, turn) in zip(pushes, turns, strict=True):
        change = _ANXIETY * (push * complex(right, down) - pull * place)
        if chance < shakes:
            change += 2 * heading * cmath.rect(1, math.pi + turn - 0.5)
        moved = heading + change
        heading = moved / abs(moved) if moved else heading
        place += step * heading
        path.append(place)
    points = np.array(path)
    side = max(np.ptp(points.real), np.ptp(points.imag))
    points = (points - points.mean()) * (size_px / side)
    return along(points.imag, points.real)


def along(down: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return points of equal weight, each shared among the four pixels round it bilinearly."""
    import numpy as np

    reach = math.ceil(max(np.abs(down).max(), np.abs(right).max()) - 1e-9)
    kernel = np.zeros((2 * reach + 2, 2 * reach + 2))
    top, left = np.floor(down), np.floor(right)
    rows, columns = (top + reach).astype(int), (left + reach).astype(int)
    low, far = down - top, right - left
    for y, share in ((0, 1 - low), (1, low)):
        for x, other in ((0, 1 - far), (1, far)):
            np.add.at(kernel, (rows + y, columns + x), share * other)
    inside = kernel[:-1, :-1]
    total: NDArray[Any] = inside / inside.sum()
    return total


def kernel_in(path: Path, name: str) -> NDArray[Any]:
    """Return the kernel of a file, divided by its sum, at the centre of an odd square.

    Args:
        path: An array of two axes (`.npy`, read without pickle), or an image of one channel.
        name: What messages call it.

    Raises:
        DataError: If it cannot be read, or is no kernel.
    """
    import numpy as np

    from adversity.errors import DataError

    values = _read(path, name)
    if values.ndim != 2 or not values.size or values.dtype.kind not in "buif":
        raise DataError(
            f"expected a kernel of two axes in {name}, got shape {list(values.shape)} of "
            f"{values.dtype}; save grey values, or an array of numbers [rows, columns]"
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all() or values.min() < 0 or not values.sum() > 0:
        raise DataError(
            f"expected a kernel of finite values that are not negative and not all 0 in {name}, "
            f"got values from {values.min():g} to {values.max():g}"
        )
    rows, columns = values.shape
    side = max(rows, columns) // 2 * 2 + 1
    kernel = np.zeros((side, side))
    top, left = side // 2 - rows // 2, side // 2 - columns // 2
    kernel[top : top + rows, left : left + columns] = values / values.sum()
    return kernel


def _read(path: Path, name: str) -> NDArray[Any]:
    import numpy as np
    from PIL import Image

    from adversity.errors import DataError

    try:
        if path.suffix.lower() == ".npy":
            values: NDArray[Any] = np.load(path, allow_pickle=False)
            return values
        with Image.open(path) as image:
            if image.mode in ("P", "PA"):
                raise ValueError("its values are numbers of colours; save grey values")
            return np.asarray(image)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"expected a kernel in {name} (.npy, .png), got: {error}") from error
