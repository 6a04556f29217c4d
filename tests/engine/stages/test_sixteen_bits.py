"""Images of 16 bits keep every bit from the file through a degradation into a metric."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from adversity import Degradation, ImageMetric
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

LEVELS = 3
"""Darker by so many of the 65 535 levels: less than a hundredth of one of 8 bits."""


class Slightly(Degradation):
    """Darker by 3 levels of 16 bits."""

    name: ClassVar[str] = "slightly"

    def degrade(self, images: torch.Tensor, rng: Any) -> torch.Tensor:
        return (images - LEVELS / 65535).clamp(0, 1)


class Level(ImageMetric):
    """The mean in levels of 16 bits."""

    name: ClassVar[str] = "level"
    full_reference: ClassVar[bool] = False
    produces: ClassVar[tuple[str, ...]] = ("level",)

    def measure(self, images: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return images.double().mean((1, 2, 3)) * 65535

    def convention(self) -> Mapping[str, object]:
        return {"channels": "all"}


def png(values: np.ndarray[Any, Any]) -> bytes:
    """Write a PNG of 16 bits by hand: what Pillow writes of 16-bit colour has 8."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A project with a grey and a colour PNG and a grey TIFF, and what is in them."""
    root = tmp_path_factory.mktemp("deep")
    folder = root / "data/a"
    folder.mkdir(parents=True)
    (root / "pipelines").mkdir()
    draw = np.random.default_rng(5)
    images = {
        "a/colour.png": draw.integers(LEVELS, 65536, (9, 7, 3)),
        "a/grey.png": draw.integers(LEVELS, 65536, (6, 8, 1)),
        "a/grey.tif": draw.integers(LEVELS, 65536, (6, 8, 1)),
    }
    for name, image in images.items():
        if name.endswith("png"):
            (root / "data" / name).write_bytes(png(image))
        else:
            Image.fromarray(image[:, :, 0].astype(np.uint16)).save(root / "data" / name)
    return root, images


def test_no_bit_is_lost_on_the_way(values: Any, registry_with: Any) -> None:
    """Means to a hundredth of a level, and the PSNR of 3 levels, where 8 bits would be equal.

    float32 rounds values below 1 by 2^-25 at most, 0.002 levels, at three places; PSNR takes the
    difference of two such values, 3 levels, so its square is right to 0.3 per cent, 0.02 dB.
    """
    root, images = values
    file = root / "pipelines/deep.yaml"
    file.write_text(
        "name: deep\ndata:\n  photos: {uses: dataset/folder, with: {path: data}}\nsteps:\n"
        "  darker: {uses: degradation/slightly, from: photos}\n"
        "  before: {uses: metric/level, from: photos}\n"
        "  after: {uses: metric/level, from: darker}\n"
        "  quality: {uses: metric/psnr, from: darker}\n",
        encoding="utf-8",
    )
    plan = make_plan(load_pipeline(file, root=root), registry_with(Slightly, Level))
    workspace = Workspace(root, root / "out", root / "store")
    columns = {}
    for step, name in (("before", "level"), ("after", "level"), ("quality", "psnr_db")):
        compute_stage(plan, step, workspace, 1)
        table = read_table(root / "out/artifacts/deep" / step / "table.parquet")
        columns[step] = dict(zip(table["id"], table[name], strict=True))
    for name, image in images.items():
        assert columns["before"][name] == pytest.approx(image.mean(), abs=0.01)
        assert columns["after"][name] == pytest.approx(image.mean() - LEVELS, abs=0.01)
        assert columns["quality"][name] == pytest.approx(20 * np.log10(65535 / LEVELS), abs=0.02)
