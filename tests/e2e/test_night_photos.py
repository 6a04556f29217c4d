"""The shipped pipeline of night photos, on one small photo: every enhancement at every severity."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from skimage import data

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/night_photos.yaml"
SMALLER = {
    "{uses: dataset/imagenet_samples, prepare: {resize_short: 256, centre_crop: 224}}\nmatrix": (
        "{uses: dataset/folder, with: {path: data/photos}}\nmatrix"
    ),
    "classifier/efficientnet_lite0": (
        "classifier/torchvision, with: {architecture: squeezenet1_1, weights: none, crop: 64, "
        "classes: imagenet}"
    ),
    "  - clean.accuracy >= 0.60": "  - lower clean.accuracy >= 0.0",
}


def test_every_enhancement_is_judged_by_the_task(started):
    """A cat's face at 64 x 64: brighter after each enhancement, and a word on each of 20 cells."""
    project = started.copy("night-photos")
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
    folder = project.root / "artifacts/night-photos"
    dark, after = (
        pq.read_table(folder / step / "table.parquet").to_pydict() for step in ("dark", "after")
    )
    of_dark = dict(zip(dark["severity"], dark["psnr_db"], strict=True))
    assert of_dark[1] > of_dark[3] > of_dark[5]
    assert len(after["id"]) == 20
    # At severity 4 hardly anything is left of the light, and each brings some of it back.
    gained = [
        psnr - of_dark[severity]
        for severity, psnr in zip(after["severity"], after["psnr_db"], strict=True)
        if severity == 4
    ]
    assert len(gained) == 4
    assert min(gained) > 1
    report = json.loads((folder / "report/report.json").read_text(encoding="utf-8"))
    assert [gain["finding"] for gain in report["gains"]] == ["no evidence"] * 20
