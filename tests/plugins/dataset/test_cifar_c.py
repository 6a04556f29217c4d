"""CIFAR-10-C and CIFAR-100-C: which image is which, whose copy it is, and what is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cifar_files import LABELS, pixel, write_binary, write_cifar_c
from pydantic import ValidationError

import adversity
from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset._cifar import CLASS_NAMES
from adversity_plugins.dataset.cifar_c import CifarC

if TYPE_CHECKING:
    from pathlib import Path

N = len(LABELS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two corruptions of six images."""
    write_cifar_c(tmp_path / "data/c", "fog", "snow")
    return tmp_path


def opened(root: Path, **given: Any) -> CifarC:
    data = CifarC(path="data/c", **{"corruption": "fog", **given})
    data.open(root)
    return data


def test_blocks_are_severities_and_rows_are_images(root: Path) -> None:
    """Each image is where the published code puts it: its grey level says which one it is."""
    data = opened(root, corruption=["snow", "fog"], severity=[5, 2])
    assert len(data) == 2 * 2 * N
    for index in range(len(data)):
        sample = data.item(index)
        corruption, severity, image = sample.id.split("/")
        level = pixel(["fog", "snow"].index(corruption), int(severity), int(image))
        assert (sample.image == level).all(), sample.id
        assert sample.target == LABELS[int(image)]
        assert sample.attributes == {"corruption": corruption, "severity": int(severity)}
        assert sample.group == image
    assert data.item(0).id == "snow/5/00000"
    assert data.item(0).image.flags.owndata  # a copy: nobody writes to the file


def test_copies_of_an_image_are_one_group(root: Path) -> None:
    """So that intervals draw images: ten copies are no ten observations."""
    groups = Source(opened(root, corruption=["fog", "snow"])).groups
    assert len(groups) == 10 * N
    assert sorted(set(groups)) == [f"{image:05d}" for image in range(N)]


def test_limit_takes_the_same_images_of_each_block(root: Path) -> None:
    """The first so many clean images, whatever the severity; more than there are is refused."""
    data = opened(root, severity=[1, 4], limit=2)
    assert [data.item(index).id[-7:] for index in range(len(data))] == [
        "1/00000",
        "1/00001",
        "4/00000",
        "4/00001",
    ]
    assert data.at_most(root) == 4
    with pytest.raises(DataError, match="limit 7 is more than the 6 images"):
        opened(root, limit=7)


@pytest.mark.parametrize("classes", [10, 100])
def test_clean_partners_come_from_the_binary_version(root: Path, classes: int) -> None:
    """Channels lie in planes, in CIFAR-100 behind two labels; PSNR is that of the difference."""
    labels = LABELS if classes == 10 else (49, 33, 72, 51, 71, 92)
    write_cifar_c(root / "data/c", "fog", labels=labels)
    clean = np.random.default_rng(0).integers(0, 200, (N, 32, 32, 3)).astype(np.uint8)
    write_binary(root / "data/clean.bin", clean, labels, coarse=classes == 100)
    brighter = np.concatenate([clean + np.uint8(severity) for severity in range(1, 6)])
    np.save(root / "data/c/fog.npy", brighter)
    data = opened(root, classes=classes, references="data/clean.bin")
    for index in range(len(data)):
        np.testing.assert_array_equal(data.item(index).reference, clean[index % N])
    result = opened(root, classes=classes, severity=5, references="data/clean.bin")
    pairs = Source(result).pairs(range(N))
    error = float(((pairs[0] - pairs[1]) ** 2).mean())
    assert -10 * math.log10(error) == pytest.approx(20 * math.log10(255 / 5), abs=1e-4)


def test_a_clean_set_of_other_images_is_refused(root: Path) -> None:
    """Its labels tell, and its size."""
    clean = np.zeros((N, 32, 32, 3), np.uint8)
    write_binary(root / "other.bin", clean, (3, 8, 8, 1, 6, 6))
    with pytest.raises(DataError, match=r"image 3 has 1 and should have 0 \(1 differ\)"):
        opened(root, references="other.bin")
    write_binary(root / "half.bin", clean[:3], LABELS[:3])
    with pytest.raises(DataError, match="expected the 6 images that were changed, got 3"):
        opened(root, references="half.bin")
    (root / "half.bin").write_bytes(bytes(3000))
    with pytest.raises(DataError, match="expected records of 3073 bytes"):
        opened(root, references="half.bin")
    with pytest.raises(adversity.errors.InputError, match=r"nowhere\.bin"):
        opened(root, references="nowhere.bin")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("fog", np.zeros((30, 32, 32, 3), np.float32), "expected uint8 of shape"),
        ("fog", np.zeros((29, 32, 32, 3), np.uint8), "as many images as labels"),
        ("fog", np.zeros((30, 3, 32, 32), np.uint8), r"got uint8 of shape \(30, 3, 32, 32\)"),
        ("fog", np.array([{"a": 1}] * 30), "cannot be mapped"),  # a pickle inside
        ("labels", np.zeros(30, np.float32), "expected a row of whole numbers"),
        ("labels", np.zeros((30, 1), np.uint8), "expected a row of whole numbers"),
        ("labels", np.arange(29) % 10, "as many labels at each of 5 severities, got 29"),
        ("labels", np.arange(30) % 10, "expected the same labels at each of 5 severities"),
        ("labels", np.arange(30), r"is it CIFAR-100\? Then `classes: 100`"),
        ("labels", np.full(30, -1), "expected labels from 0 to 9, got -1 to -1"),
        ("labels", np.zeros(0, np.uint8), "expected a row of whole numbers"),
    ],
    ids=str,
)
def test_other_files_are_refused(
    root: Path, name: str, values: np.ndarray[Any, Any], message: str
) -> None:
    """What is not as published under that name, with what was expected and what came."""
    np.save(root / f"data/c/{name}.npy", values)
    with pytest.raises(DataError, match=message):
        opened(root)


def test_damaged_and_missing_files_are_named(root: Path) -> None:
    """Cut off, no NumPy file, an archive under that name, a slip of the pen."""
    file = root / "data/c/fog.npy"
    whole = file.read_bytes()
    for content in (whole[:-1], whole[:50], b"", b"PK\x03\x04" + whole):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"data/c/fog\.npy: expected a whole NumPy file"):
            opened(root)
    with pytest.raises(DataError, match=r"data/c/frost\.npy.*no such file"):
        opened(root, corruption="frost")
    (root / "data/c/labels.npy").unlink()
    with pytest.raises(DataError, match=r"labels\.npy: expected labels, found no such file"):
        opened(root)
    assert CifarC(path="data/c", corruption="fog").at_most(root) is None


def test_the_wrong_number_of_classes_is_noticed(root: Path) -> None:
    """CIFAR-10-C read as CIFAR-100-C would give every image a wrong name."""
    with pytest.raises(DataError, match=r"is it CIFAR-10\? `classes: 10`"):
        opened(root, classes=100)


def test_a_change_during_the_run_is_refused(root: Path) -> None:
    """The file is mapped, so that what is written to it later would show."""
    data = opened(root)
    array = np.lib.format.open_memmap(root / "data/c/fog.npy", mode="r+")
    array[7, 0, 0, 0] += 1
    array.flush()
    assert data.item(6).target == LABELS[0]
    with pytest.raises(DataError, match=r"data/c/fog\.npy changed during the run"):
        data.item(7)


@pytest.mark.parametrize(
    "given",
    [
        {"corruption": []},
        {"corruption": ["fog", "fog"]},
        {"corruption": "mist"},
        {"severity": 0},
        {"severity": [1, 6]},
        {"severity": [2, 2]},
        {"classes": 20},
        {"limit": 0},
    ],
    ids=str,
)
def test_parameters_are_checked(given: dict[str, Any]) -> None:
    """A corruption that is none, a severity beyond 5, one that comes twice."""
    with pytest.raises(ValidationError):
        CifarC(**{"path": "data/c", "corruption": "fog", **given})


def test_class_names() -> None:
    """Ten and a hundred, of which CIFAR's page says 20 superclasses of five; some by their index.

    CIFAR-100's fine labels are in alphabetical order. 49 and 33 are the first two labels of its
    test set: a mountain and a forest.
    """
    ten, hundred = CLASS_NAMES[10], CLASS_NAMES[100]
    assert (ten[3], ten[8], ten[0], ten[6]) == ("cat", "ship", "airplane", "frog")
    assert len(set(hundred)) == 100
    assert list(hundred) == sorted(hundred)
    assert (hundred[0], hundred[33], hundred[49], hundred[99]) == (
        "apple",
        "forest",
        "mountain",
        "worm",
    )


def test_each_corruption_has_a_degradation_of_its_name() -> None:
    """The 19 names are those of the degradations that make them, so that a matrix fits both."""
    from typing import get_args

    from adversity.registry import discover
    from adversity_plugins.dataset._corruptions import Corruption
    from adversity_plugins.metric._alexnet import ALEXNET

    made = {entry.name for entry in discover().entries() if entry.kind == "degradation"}
    names = get_args(Corruption)
    assert len(set(names)) == 19
    assert CifarC(path="data/c").corruption == names[:15] == tuple(ALEXNET)
    assert set(names) <= made
