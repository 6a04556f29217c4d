"""The figures of docs/kinds/restoration.md for mosaics."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

import adversity

PAGE = Path(__file__).parents[4] / "docs/kinds/restoration.md"
IDS = ["a", "b", "c"]


def _rows() -> dict[str, tuple[float, float]]:
    """Return PSNR without and with noise for each plugin of the table."""
    text = PAGE.read_text(encoding="utf-8").partition("## Mosaics")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `?([\w ]+)`? \| ([\d.]+) \| ([\d.]+) \|", text, re.MULTILINE)
    return {name: (float(without), float(noisy)) for name, without, noisy in found}


def _photos() -> Tensor:
    images = []
    for photo in (data.astronaut(), data.coffee(), data.chelsea()):
        image = Image.fromarray(photo)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        images.append(np.asarray(square.resize((224, 224), Image.Resampling.LANCZOS)) / 255)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


def _psnr(images: Tensor, clean: Tensor) -> float:
    return float((-10 * (images - clean).square().mean((1, 2, 3)).log10()).mean())


def test_the_figures_stand() -> None:
    """To the last digit that is printed and a little for other processors."""
    clean, rows = _photos(), _rows()
    assert list(rows) == ["the mosaic", "demosaic_bilinear", "demosaicnet"]
    noise = adversity.create("degradation", "sensor_noise", severity=3)
    for column, images in enumerate((clean, noise(clean, ids=IDS, seed=0))):
        mosaic = adversity.create("degradation", "mosaic")
        seen = mosaic(images, ids=IDS, seed=0)
        assert _psnr(seen, clean) == pytest.approx(rows["the mosaic"][column], abs=0.07)
        for name in ("demosaic_bilinear", "demosaicnet"):
            whole = adversity.create("restoration", name)(seen, pattern=mosaic.side["pattern"])
            assert _psnr(whole, clean) == pytest.approx(rows[name][column], abs=0.07)
