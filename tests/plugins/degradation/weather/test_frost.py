"""Frost against its formula, and where its photographs come from."""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from adversity import SampleRng
from adversity.contracts import asset
from adversity.contracts.project_files import bind_files
from adversity.errors import DataError, WeightsError
from adversity_plugins.degradation.weather.frost import Frost

if TYPE_CHECKING:
    from pathlib import Path

Streams = Callable[..., SampleRng]


def ready(folder: Path, **parameters: object) -> Frost:
    """Return it set up with the textures in `ice`."""
    plugin = Frost.model_validate({"textures": "ice", **parameters})
    bind_files(plugin, folder)
    plugin.setup("cpu")
    return plugin


def write(folder: Path, **images: np.ndarray) -> None:
    """Write textures."""
    (folder / "ice").mkdir()
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / "ice" / f"{name}.png")


@pytest.mark.parametrize("profile", ["fast", "reference"])
def test_it_is_a_weighted_sum_with_a_part_of_a_texture(
    profile: str, photos: Tensor, tmp_path: Path, streams: Streams
) -> None:
    """Each row and column of the texture has its own values, so the part is known from one pixel.

    Tolerance: one grey level for the cut of the profile reference.
    """
    rows, columns = np.mgrid[:90, :120]
    texture = np.stack([rows, columns, 0 * rows + 60], axis=2).astype(np.uint8)
    write(tmp_path, one=texture)
    dark = (photos * 0.3 * 255).round() / 255
    plugin = ready(tmp_path, image_weight=0.5, frost_weight=0.5, profile=profile)
    frosted = plugin.degrade(dark, streams("a", "b", "c")).images
    layer = (frosted - 0.5 * dark) / 0.5 * 255
    tops = []
    for one in layer:
        top, left = round(float(one[0, 0, 0])), round(float(one[1, 0, 0]))
        height, width = one.shape[1:]
        part = torch.from_numpy(texture[top : top + height, left : left + width]).permute(2, 0, 1)
        allowed = 2.1 if profile == "reference" else 1e-3
        torch.testing.assert_close(one, part.float(), atol=allowed, rtol=0)
        tops.append((top, left))
    assert len(set(tops)) > 1


def test_all_textures_are_drawn_and_small_ones_enlarged(tmp_path: Path, streams: Streams) -> None:
    """Two textures of one colour, smaller than the image: half of the samples get each."""
    write(
        tmp_path,
        red=np.full((10, 14, 3), (200, 0, 0), np.uint8),
        blue=np.full((14, 10, 3), (0, 0, 200), np.uint8),
    )
    images = torch.zeros(60, 3, 32, 40)
    plugin = ready(tmp_path, image_weight=1, frost_weight=1)
    frosted = plugin.degrade(images, streams(*map(str, range(60)))).images
    red = frosted[:, 0].mean((1, 2)) > 0.5
    assert torch.equal(red, frosted[:, 2].mean((1, 2)) < 0.5)
    # 60 fair coins: a standard deviation of 3.9.
    assert 15 < int(red.sum()) < 45


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    """With what to do: put some there, or take out what is none."""
    (tmp_path / "ice").mkdir()
    with pytest.raises(DataError, match=r"images of frost in ice, got none"):
        ready(tmp_path, severity=1)
    (tmp_path / "ice" / "notes.txt").write_text("cold", encoding="utf-8")
    with pytest.raises(DataError, match=r"got notes\.txt, which cannot be read"):
        ready(tmp_path, severity=1)


def test_missing_photographs_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the command that fetches them, before any image is touched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(asset, "find_spec", lambda _: None)
    with pytest.raises(WeightsError, match=r"run: adversity assets fetch degradation/frost"):
        Frost(severity=1).setup("cpu")
    with pytest.raises(WeightsError, match=r"call setup\(device\)"):
        Frost(severity=1).degrade(torch.zeros(1, 3, 8, 8), SampleRng(seed=0, step="s", ids=["a"]))


def test_photographs_that_were_changed_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By their SHA-256; and a package without them by its missing file."""
    folder = tmp_path / "imagecorruptions"
    (folder / "frost").mkdir(parents=True)
    spec = ModuleSpec("imagecorruptions", None, origin=str(folder / "__init__.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(asset, "find_spec", lambda _: spec)
    with pytest.raises(WeightsError, match=r"expected imagecorruptions/frost/frost1\.png of pypi"):
        Frost(severity=1).setup("cpu")
    (folder / "frost" / "frost1.png").write_bytes(b"ice")
    with pytest.raises(WeightsError, match="with SHA-256 ff9f907860bd"):
        Frost(severity=1).setup("cpu")
