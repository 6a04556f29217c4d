"""The figures of docs/kinds/restoration.md for haze, water, rain, holes, darkness and JPEG."""

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

PAGE = Path(__file__).parents[3] / "docs/kinds/restoration.md"
IDS = ["a", "b", "c"]


def _rows() -> list[tuple[str, float, str, float]]:
    """Return degradation, PSNR before, restoration, PSNR after, of each row of the table."""
    text = PAGE.read_text(encoding="utf-8").partition("## Haze, water, rain")[2]
    rows, worse, before = [], "", 0.0
    for line in text.partition("\n## ")[0].splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) != 5 or not re.fullmatch(r"[\d.]+", cells[3]):
            continue
        if cells[0]:
            worse, before = cells[0], float(cells[1])
        rows.append((worse, before, cells[2], float(cells[3])))
    return rows


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


@pytest.mark.slow
@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"{row[0]}-{row[2]}")
def test_the_figures_stand(row: tuple[str, float, str, float]) -> None:
    """Before and after, to the last digit that is printed and a little for other processors."""
    degradation, before, restoration, after = row
    clean = _photos()
    worsening = adversity.create("degradation", degradation, severity=3)
    worse = worsening(clean, ids=IDS, seed=0)
    known = {"mask": worsening.side["mask"]} if restoration.startswith("inpaint") else {}
    better = adversity.create("restoration", restoration)(worse, **known)
    assert _psnr(worse, clean) == pytest.approx(before, abs=0.07)
    assert _psnr(better, clean) == pytest.approx(after, abs=0.07)


def test_the_table_names_each_of_them() -> None:
    """Thirteen rows are read."""
    assert len(_rows()) == 13
