"""ObjectNet: which classes are ImageNet's, the border, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity.errors import DataError
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset._imagenet_synsets import SYNSETS
from adversity_plugins.dataset.objectnet import ObjectNet

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = {"chair": "Chair", "bike": "Bicycle", "air_freshener": "Air freshener"}
OVERLAP = {
    "Chair": "barber chair; folding chair; rocking chair, rocker",
    "Bicycle": "mountain bike, all-terrain bike, off-roader; bicycle-built-for-two, tandem bicycle, tandem",
}
PLACES = {423: "barber chair", 559: "folding chair", 765: "rocking chair, rocker"} | {
    671: "mountain bike, all-terrain bike, off-roader",
    444: "bicycle-built-for-two, tandem bicycle, tandem",
}
"""Indices of networks, and names as `imagenet_to_label_2012_v2` spells them."""


def picture(seed: int) -> np.ndarray:
    """Return an image with the published border: a red pixel all around."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 30, 3)).astype(np.uint8)
    for edge in (np.s_[:1], np.s_[-1:], np.s_[:, :1], np.s_[:, -1:]):
        pixels[edge] = (255, 0, 0)
    return pixels


def write(root: Path, **changed: Any) -> Path:
    """Write the published layout; the names stand in another order than that of networks."""
    folder = root / "data/o"
    for name in FOLDERS:
        (folder / "images" / name).mkdir(parents=True, exist_ok=True)
        for number in (1, 2):
            Image.fromarray(picture(number)).save(folder / "images" / name / f"{number}.png")
    order = {str(at): (at + 7) % 1000 for at in range(1000)}
    lines = [PLACES.get((at - 7) % 1000, f"other {at}") for at in range(1000)]
    (folder / "mappings").mkdir(exist_ok=True)
    files: dict[str, Any] = {
        "folder_to_objectnet_label.json": FOLDERS,
        "objectnet_to_imagenet_1k.json": OVERLAP,
        "pytorch_to_imagenet_2012_id.json": order,
        "imagenet_to_label_2012_v2": "\n".join(lines),
    } | {name.replace("__", "."): value for name, value in changed.items()}
    for name, values in files.items():
        text = values if isinstance(values, str) else json.dumps(values)
        (folder / "mappings" / name).write_text(text, encoding="utf-8")
    return root


def opened(root: Path, **given: Any) -> ObjectNet:
    data = ObjectNet(path="data/o", **given)
    data.open(root)
    return data


def test_classes_that_imagenet_has(tmp_path: Path) -> None:
    """By the published mappings, through two orders; the others are left out, and counted."""
    data = opened(write(tmp_path))
    assert data.class_names == ("Bicycle", "Chair")
    assert data.class_members == {
        "Chair": tuple(SYNSETS[at] for at in (423, 559, 765)),
        "Bicycle": tuple(SYNSETS[at] for at in (671, 444)),
    }
    assert SYNSETS[559] == "n03376595"  # the folding chair
    said = [(data.item(at).id, data.class_names[data.item(at).target]) for at in range(len(data))]
    assert said == [
        ("bike/1.png", "Bicycle"),
        ("bike/2.png", "Bicycle"),
        ("chair/1.png", "Chair"),
        ("chair/2.png", "Chair"),
    ]
    assert data.describe()["images_of_classes_that_imagenet_lacks"] == 2
    assert data.at_most(tmp_path) == 4
    assert len(opened(tmp_path, limit=1)) == 2


@pytest.mark.parametrize("border", [0, 1, 2])
def test_the_border_is_cut_off(tmp_path: Path, border: int) -> None:
    """Two pixels at each side, of which one is red; index and hashes are of what is left."""
    data = opened(write(tmp_path), **({} if border == 2 else {"border": border}))
    image, row = data.item(1).image, data.index()[1]
    whole = picture(2)
    inside = whole[border : 24 - border, border : 30 - border]
    np.testing.assert_array_equal(image, inside)
    assert row.shape == (24 - 2 * border, 30 - 2 * border, 3)
    assert row.pixels == (pixels_sha256(np.ascontiguousarray(inside)),)


def test_an_image_that_is_all_border_is_left_out(tmp_path: Path) -> None:
    """And listed."""
    write(tmp_path)
    Image.fromarray(np.zeros((4, 30, 3), np.uint8)).save(tmp_path / "data/o/images/bike/1.png")
    data = opened(tmp_path)
    assert len(data) == 3
    assert data.quarantined == (("bike/1.png", "is nothing but its border of 2 pixels"),)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"objectnet_to_imagenet_1k__json": {"Chair": "stool"}}, "got 'stool' for Chair"),
        ({"objectnet_to_imagenet_1k__json": "[1]"}, "expected an object of names"),
        ({"objectnet_to_imagenet_1k__json": {"Chair": 3}}, "something else for 'Chair'"),
        ({"pytorch_to_imagenet_2012_id__json": {"0": "n01"}}, "expected an object of numbers"),
        ({"pytorch_to_imagenet_2012_id__json": {"x": 430}}, "expected classes that"),
        ({"folder_to_objectnet_label__json": {"sofa": "Sofa"}}, "found none; check `path`"),
    ],
    ids=str,
)
def test_other_mappings_are_refused(tmp_path: Path, changed: Any, message: str) -> None:
    """What was expected and what came."""
    with pytest.raises(DataError, match=message):
        opened(write(tmp_path, **changed))
    assert ObjectNet(path="data/o").at_most(tmp_path) is None


def test_missing_mappings_are_named(tmp_path: Path) -> None:
    """They are a part of the archive."""
    write(tmp_path)
    (tmp_path / "data/o/mappings/imagenet_to_label_2012_v2").unlink()
    with pytest.raises(DataError, match="expected mappings/imagenet_to_label_2012_v2, found no"):
        opened(tmp_path)
