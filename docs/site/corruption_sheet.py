"""Draw the sheet of `docs/imagenet-c.md`: every corruption at five severities.

Run `python docs/site/corruption_sheet.py` and look at it before you commit it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from skimage import data

import adversity
from adversity.errors import WeightsError
from adversity_plugins.metric._alexnet import ALEXNET

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "docs/images/imagenet-c.webp"
SIDE, SHOWN, LABEL = 224, 98, 122
NAMES = [*ALEXNET, "speckle_noise", "gaussian_blur", "spatter", "saturate"]
PHOTOS: Any = data  # its functions have no types


def main() -> None:
    """Corrupt one photo in 19 x 5 ways, clean first."""
    photo = PHOTOS.chelsea()[40 : 40 + SIDE, 100 : 100 + SIDE]
    images = torch.from_numpy(photo / 255.0).permute(2, 0, 1).float()[None]
    sheet = Image.new("RGB", (LABEL + 6 * SHOWN, len(NAMES) * SHOWN), "white")
    draw = ImageDraw.Draw(sheet)
    for row, name in enumerate(NAMES):
        draw.text((4, row * SHOWN + SHOWN // 2 - 6), name, fill="black")
        tiles = [images, *(corrupted(name, severity, images) for severity in range(1, 6))]
        for column, tile in enumerate(tiles):
            pixels = (tile[0] * 255).round().byte().permute(1, 2, 0).numpy()
            shown = Image.fromarray(np.ascontiguousarray(pixels)).resize((SHOWN - 2, SHOWN - 2))
            sheet.paste(shown, (LABEL + column * SHOWN, row * SHOWN))
    sheet.save(SHEET, quality=55, method=6)


def corrupted(name: str, severity: int, images: torch.Tensor) -> torch.Tensor:
    """Return the image at a severity, in the profile `fast`."""
    try:
        plugin = adversity.create("degradation", name, severity=severity)
    except WeightsError as error:
        raise SystemExit(str(error)) from error
    worse: torch.Tensor = plugin(images, seed=0)
    return worse


if __name__ == "__main__":
    main()
