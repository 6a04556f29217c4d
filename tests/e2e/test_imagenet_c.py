"""The shipped ImageNet-C pipeline, on one small photo: all 75 cells, denoised and not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from skimage import data

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/imagenet_c.yaml"
SMALLER = {
    "dataset/imagenet_samples, prepare: {resize_short: 256, centre_crop: 224}": (
        "dataset/folder, with: {path: data/photos}"
    ),
    "classifier/efficientnet_lite0": (
        "classifier/torchvision, with: {architecture: squeezenet1_1, weights: none, crop: 64, "
        "classes: imagenet}"
    ),
}


def test_every_corruption_is_answered_and_counted(started):
    """A cat's face at 64 x 64: each cell has its answer, no two severities of one are alike."""
    project = started.copy("imagenet-c")
    text = SHIPPED.read_text(encoding="utf-8")
    for large, small in SMALLER.items():
        assert text.count(large) == 1
        text = text.replace(large, small)
    (project.root / "pipelines" / SHIPPED.name).write_text(text, encoding="utf-8")
    place = project.root / "data/photos/tiger cat"
    place.mkdir(parents=True)
    face = Image.fromarray(data.chelsea()[20:276, 90:346])
    face.resize((64, 64), Image.Resampling.BOX).save(place / "face.png")
    project.adversity("run", f"pipelines/{SHIPPED.name}", "--direct")
    for step in ("answers", "after"):
        rows = pq.read_table(project.root / f"artifacts/imagenet-c/{step}/table.parquet")
        table = rows.to_pydict()
        assert len(table["id"]) == 75
        assert len(set(zip(table["corruption"], table["severity"], strict=True))) == 75
        psnr = np.array(table["psnr_db"]).reshape(15, 5)
        assert np.isfinite(psnr).all()
        assert (np.abs(np.diff(psnr, axis=1)) > 0).all()
