"""The shipped pipeline of a camera, on one small photo: noise, mosaic, colours, denoised, attacked."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from skimage import data

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/camera_chain.yaml"
SMALLER = {
    "dataset/imagenet_samples, prepare: {resize_short: 256, centre_crop: 224}": (
        "dataset/folder, with: {path: data/photos}"
    ),
    "classifier/efficientnet_lite0": (
        "classifier/torchvision, with: {architecture: squeezenet1_1, weights: none, crop: 64, "
        "classes: imagenet}"
    ),
    "  - clean.accuracy >= 0.60": "  - lower clean.accuracy >= 0.0",
    "steps: 5,": "steps: 1,",
}


def test_every_chain_is_restored_and_attacked(started):
    """A cat's face at 64 x 64: six cells with their quality, and an attack on each of four.

    The stronger the noise the worse; the denoiser takes some of the strongest, and the network for
    colours is the better one while there is little of it.
    """
    project = started.copy("camera-chain")
    text = SHIPPED.read_text(encoding="utf-8")
    for large, small in SMALLER.items():
        assert text.count(large) == 1, large
        text = text.replace(large, small)
    (project.root / "pipelines" / SHIPPED.name).write_text(text, encoding="utf-8")
    place = project.root / "data/photos/tiger cat"
    place.mkdir(parents=True)
    face = Image.fromarray(data.chelsea()[20:276, 90:346])
    face.resize((64, 64), Image.Resampling.BOX).save(place / "face.png")
    project.adversity("run", f"pipelines/{SHIPPED.name}", "--direct")
    folder = project.root / "artifacts/camera-chain"
    quality = {}
    for step in ("answers", "after"):
        table = pq.read_table(folder / step / "table.parquet").to_pydict()
        assert len(table["id"]) == 6
        for colours, severity, psnr in zip(
            table["colours"], table["severity"], table["psnr_db"], strict=True
        ):
            quality[step, colours, severity] = psnr
    for colours in ("demosaic_bilinear", "demosaicnet"):
        falls = [quality["answers", colours, severity] for severity in (3, 4, 5)]
        assert falls[0] > falls[1] > falls[2]
        assert quality["after", colours, 5] > quality["answers", colours, 5]
    assert quality["answers", "demosaicnet", 3] > quality["answers", "demosaic_bilinear", 3] + 2
    for step in ("attacked", "noise_control"):
        table = pq.read_table(folder / step / "table.parquet").to_pydict()
        assert len(set(zip(table["colours"], table["eps"], strict=True))) == 4
