"""Samples as small images within a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversity.data.reading import Source

__all__ = ["thumbnail"]

_SIDE = 96


def thumbnail(source: Source, index: int) -> str:
    """Return a sample's image as the address of a PNG; very small ones are enlarged as blocks."""
    import numpy as np
    from PIL import Image

    pixels = source.images([index])[0].permute(1, 2, 0).numpy()
    levels = np.rint(pixels * 255).astype(np.uint8)
    image = Image.fromarray(levels if levels.shape[2] == 3 else levels[..., 0])
    if max(image.size) > _SIDE:
        image.thumbnail((_SIDE, _SIDE))
    else:
        times = _SIDE // max(image.size)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
