"""Photographs of frost: those of ImageNet-C, or a folder of the user's.

The published code draws from the first five of its six photographs (Apache-2.0). They are 2 MB
and come inside the package `imagecorruptions-imaug`, and in `imagecorruptions`; they are read
as files where that is installed, else as they were fetched, and the package is not imported.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from adversity import Asset
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TEXTURES", "enlarged", "published_textures", "textures_in"]

_PACKAGE = "imagecorruptions"
_SHA256 = {
    "frost1.png": "ff9f907860bd7a835d459e32f9d588062b7f61ee267343cc7222b56753a14755",
    "frost2.png": "fe211a89b336999c207a852ce05818d4545d0b57c5beadd824b4cc9d9a9b6137",
    "frost3.png": "2d0d50b4a9bb213f38b024ef7768731bb83cc08d2f26b5766bbc167cdfa0e504",
    "frost4.jpg": "3f8b91ca1a9fa7167b09e773da53f5ae60d0a1fd88f02a783f6e328a72887f6e",
    "frost5.jpg": "5fc6a19df4a429ba68abdcc8f8a4278d4c9f81c9ccafd2c92ab0c8cf8992ebd2",
}

TEXTURES = Asset(
    registry="pypi",
    package="imagecorruptions-imaug",
    version="1.1.5",
    licence="Apache-2.0",
    files={f"{_PACKAGE}/frost/{name}": sha256 for name, sha256 in _SHA256.items()},
    size=2_095_938,
    use="photographs of frost",
)


def published_textures() -> list[NDArray[np.uint8]]:
    """Return the five photographs, `[H, W, 3]` uint8.

    Raises:
        WeightsError: If one of the files is missing, or is not the published one.
    """
    return [
        _decoded(TEXTURES.path(file, "degradation/frost").read_bytes()) for file in TEXTURES.files
    ]


def textures_in(paths: Iterable[Path], folder: str) -> list[NDArray[np.uint8]]:
    """Return the images of a folder, `[H, W, 3]` uint8, in the order of their names.

    Raises:
        DataError: If there is none, or a file is no image.
    """
    found = []
    for path in paths:
        try:
            found.append(_decoded(path.read_bytes()))
        except OSError as error:
            raise DataError(
                f"frost: expected images in {folder}, got {path.name}, which cannot be read as "
                f"one ({error}); take it out of the folder"
            ) from error
    if not found:
        raise DataError(f"frost: expected images of frost in {folder}, got none; put some there")
    return found


def enlarged(texture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return a texture with more rows and columns than the image: itself, or bicubic."""
    import numpy as np
    from PIL import Image

    rows, columns = texture.shape[:2]
    factor = max((height + 1) / rows, (width + 1) / columns)
    if factor <= 1:
        return texture
    size = max(width + 1, round(columns * factor)), max(height + 1, round(rows * factor))
    return np.asarray(Image.fromarray(texture).resize(size, Image.Resampling.BICUBIC))


def _decoded(data: bytes) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))
