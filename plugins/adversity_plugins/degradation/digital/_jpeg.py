"""There and back through a JPEG file, in memory."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["through_jpeg"]


def through_jpeg(
    pixels: NDArray[np.uint8], quality: int, *, optimize: bool = False
) -> NDArray[np.uint8]:
    """Return `[H, W, 1 or 3]` uint8 as Pillow reads it back from its JPEG of this quality.

    Colour is stored at half the resolution, which is Pillow's and libjpeg's habit. The bytes
    depend on Pillow's libjpeg.
    """
    import numpy as np
    from PIL import Image

    grey = pixels.shape[2] == 1
    file = BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if grey else pixels)
    image.save(file, "JPEG", quality=quality, optimize=optimize)
    back = np.asarray(Image.open(file))
    return back[:, :, None] if grey else back
