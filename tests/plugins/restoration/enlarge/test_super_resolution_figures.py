"""The figures of docs/kinds/restoration.md for super-resolution, those of factor 2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from skimage import data
from sklearn.datasets import load_sample_images
from torch import Tensor

import adversity
from adversity.contracts import Block, Fitted
from adversity.registry import discover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[4] / "docs/kinds/restoration.md"


def _rows() -> list[tuple[str, float]]:
    """Return plugin and PSNR at factor 2 of each row of the table."""
    text = PAGE.read_text(encoding="utf-8").partition("## Super-resolution")[2]
    rows = []
    for line in text.partition("\n## ")[0].splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[1][:1].isdigit() and cells[0] != "plugin":
            rows.append((cells[0], float(cells[1])))
    return rows


def _tensor(photo: np.ndarray) -> Tensor:
    height, width = (side // 12 * 12 for side in photo.shape[:2])
    return torch.from_numpy(photo[:height, :width] / np.float32(255)).permute(2, 0, 1)


def learnt_from() -> list[Tensor]:
    """Return seven photos, none of which judges."""
    china, flower = load_sample_images().images
    photos = [china, flower, data.stereo_motorcycle()[0], data.rocket()]
    photos += [data.hubble_deep_field()[:480, :480], data.retina()[400:900, 400:900]]
    return [_tensor(photo) for photo in (*photos, data.immunohistochemistry())]


def judged_by() -> list[Tensor]:
    """Return astronaut, coffee and chelsea."""
    return [_tensor(photo) for photo in (data.astronaut(), data.coffee(), data.chelsea())]


class Photos:
    """Photos of several sizes as a stream, as a pipeline gives them."""

    def __iter__(self) -> Iterator[Block]:
        """Yield each in a block of its own."""
        for number, photo in enumerate(learnt_from()):
            yield Block((str(number),), images=photo[None], references=photo[None])


def ready(name: str) -> Any:
    """Return a restoration by its defaults, fitted where it learns."""
    cls: Any = discover().get("restoration", name).cls
    plugin = cls()
    plugin.setup("cpu")
    if issubclass(cls, Fitted):
        plugin.load(plugin.fit(Photos(), np.random.default_rng(0)))
    return plugin


@pytest.mark.slow
@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0])
def test_the_figures_stand(row: tuple[str, float], luma_psnr: Callable[..., float]) -> None:
    """To the last digit and a little for other processors; 0.3 dB above bicubic on each photo."""
    plugin, values = ready(row[0]), []
    for photo in judged_by():
        clean = photo[None]
        small = adversity.create("degradation", "downsample")(clean)
        plain = adversity.create("restoration", "bicubic")(small)
        with torch.no_grad():
            values.append(luma_psnr(plugin.restore(small), clean, 2))
        assert row[0] == "bicubic" or values[-1] > luma_psnr(plain, clean, 2) + 0.3
    assert np.mean(values) == pytest.approx(row[1], abs=0.02)


def test_the_table_names_each_of_them() -> None:
    """Bicubic and what needs no weights of the user's."""
    assert [name for name, _ in _rows()] == ["bicubic", "a_plus", "rfl"]
