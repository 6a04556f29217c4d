"""The figures of docs/kinds/restoration.md for deblurring by a known kernel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

import adversity

PAGE = Path(__file__).parents[4] / "docs/kinds/restoration.md"
METHODS = ("wiener", "richardson_lucy", "hyper_laplacian")


def _rows() -> dict[str, list[float]]:
    """Return the figures of each row of the table: blurred, then by method."""
    text = PAGE.read_text(encoding="utf-8").partition("## Deblurring")[2].partition("\n## ")[0]
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in row] for row in table)
    assert head == ["kernel", "blurred", *(f"`{name}`" for name in METHODS)]
    return {row[0].replace("`", ""): list(map(float, row[1:])) for row in rows}


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
@pytest.mark.parametrize("row", _rows())
def test_the_figures_stand(row: str) -> None:
    """Blurred and after, to the last digit that is printed and a little for other processors."""
    before, *after = _rows()[row]
    clean, kernel = _photos(), row.partition(",")[0]
    call = adversity.create("degradation", "blur", severity=3, kernel=kernel)
    worse = call(clean, ids=["a", "b", "c"], seed=0)
    if row.endswith("noise of 0.01"):
        noise = torch.randn(worse.shape, generator=torch.Generator().manual_seed(0))
        worse = (worse + 0.01 * noise).clamp(0, 1)
    assert _psnr(worse, clean) == pytest.approx(before, abs=0.07)
    for name, figure in zip(METHODS, after, strict=True):
        better = adversity.create("restoration", name)(worse, **call.side)
        assert _psnr(better, clean) == pytest.approx(figure, abs=0.07), name


def test_the_table_has_four_rows() -> None:
    """Three kernels, one of them with noise."""
    assert len(_rows()) == 4
