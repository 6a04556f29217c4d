"""There and back through a JPEG file, in memory."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["planes_through_jpeg", "through_jpeg"]


def through_jpeg(
    pixels: NDArray[np.uint8], quality: int, *, optimize: bool = False
) -> NDArray[np.uint8]:
    """Return `[H, W, 1 or 3]` uint8 as Pillow reads it back from its JPEG of this quality.

    Colour is stored at half the resolution, which is Pillow's and libjpeg's habit. The bytes
    depend on Pillow's libjpeg.
    """
    import numpy as np

    planes = np.ascontiguousarray(np.moveaxis(pixels, 2, 0))
    return np.stack(planes_through_jpeg(planes, quality, optimize=optimize), axis=2)


def planes_through_jpeg(
    planes: NDArray[np.uint8], quality: int, *, optimize: bool = False
) -> list[NDArray[np.uint8]]:
    """Return the planes of `[1 or 3, H, W]` uint8 as they are read back."""
    import numpy as np
    from PIL import Image

    images = [Image.fromarray(plane) for plane in planes]
    image = images[0] if len(images) == 1 else Image.merge("RGB", images)
    file = BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=optimize)
    back = Image.open(file, formats=("JPEG",))
    return [np.asarray(plane) for plane in back.split()]
