"""CIFAR-10 and CIFAR-100: real images in the published bytes, and what is refused."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cifar_files import write_binary
from published_images import published

from adversity.errors import DataError
from adversity_plugins.dataset._cifar import CLASS_NAMES
from adversity_plugins.dataset._superclasses import SUPERCLASS_OF, SUPERCLASSES
from adversity_plugins.dataset.cifar10 import Cifar10
from adversity_plugins.dataset.cifar100 import Cifar100

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)


def opened(root: Path, which: type[Cifar10 | Cifar100] = Cifar10, **given: Any) -> Any:
    data = which(path="data/c", **given)
    data.open(root)
    return data


def write_train(folder: Path, counts: tuple[int, ...] = (2, 2, 2, 2, 2)) -> np.ndarray:
    """Write five batches, whose images are returned in their order."""
    images = RNG.integers(0, 256, (sum(counts), 32, 32, 3)).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    for number, count in enumerate(counts, start=1):
        labels = tuple((start + at) % 10 for at in range(count))
        write_binary(folder / f"data_batch_{number}.bin", images[start : start + count], labels)
        start += count
    return images


def test_real_images_in_published_bytes(tmp_path: Path) -> None:
    """The first twenty test images of CIFAR-10 come back, the first of them a cat and a ship."""
    images, labels = published("cifar10")
    (tmp_path / "data/c").mkdir(parents=True)
    write_binary(tmp_path / "data/c/test_batch.bin", images, tuple(labels))
    data = opened(tmp_path)
    assert data.at_most(tmp_path) == len(data) == 20
    for number in range(20):
        sample = data.item(number)
        np.testing.assert_array_equal(sample.image, images[number])
        assert (sample.target, sample.id) == (labels[number], f"test/{number:05d}")
        assert sample.image.flags.owndata
        assert sample.image.flags.c_contiguous
    assert [data.class_names[data.item(n).target] for n in (0, 1, 3)] == ["cat", "ship", "airplane"]


def test_the_training_set_is_five_batches(tmp_path: Path) -> None:
    """In their order; `limit` takes the first ones, across their borders; nothing is copied."""
    images = write_train(tmp_path / "data/c")
    data = opened(tmp_path, split="train", limit=7)
    assert data.at_most(tmp_path) == len(data) == 7
    for number in range(7):
        np.testing.assert_array_equal(data.item(number).image, images[number])
        assert data.item(number).target == number % 10
    assert data.item(6).id == "train/00006"
    assert all(not part.images.flags.owndata for part in data._parts)
    assert data.describe()["images_in_files"] == 10
    with pytest.raises(IndexError):
        data.item(7)
    with pytest.raises(DataError, match="limit 11 is more than the 10 images"):
        opened(tmp_path, split="train", limit=11)


@pytest.mark.parametrize("labels", ["fine", "coarse"])
def test_cifar100_has_two_labels(tmp_path: Path, labels: str) -> None:
    """The first twenty test images of CIFAR-100, with classes or with their superclasses."""
    images, fine = published("cifar100")
    (tmp_path / "data/c").mkdir(parents=True)
    rows = [
        bytes([SUPERCLASS_OF[label], label]) + image.transpose(2, 0, 1).tobytes()
        for image, label in zip(images, fine, strict=True)
    ]
    (tmp_path / "data/c/test.bin").write_bytes(b"".join(rows))
    data = opened(tmp_path, Cifar100, labels=labels)
    assert len(data.class_names) == (100 if labels == "fine" else 20)
    for number in range(20):
        np.testing.assert_array_equal(data.item(number).image, images[number])
    said = [data.item(number) for number in (0, 1, 2)]
    # 49, 33, 72: a mountain, a forest, a seal.
    names = {"fine": ["mountain", "forest", "seal"]}.get(
        labels, ["large_natural_outdoor_scenes"] * 2 + ["aquatic_mammals"]
    )
    assert [data.class_names[one.target] for one in said] == names
    assert said[2].attributes == {"superclass": "aquatic_mammals"}


def test_superclasses_are_those_of_the_files() -> None:
    """Twenty of five classes each, numbered as a list made from the Python version has them.

    The list is widely used (`sparse2coarse`); its first, last and a few other entries.
    """
    assert len(SUPERCLASSES) == 20
    assert sorted(SUPERCLASSES) == list(SUPERCLASSES)
    assert (np.bincount(SUPERCLASS_OF) == 5).all()
    first = [4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11]
    last = [16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13]
    assert SUPERCLASS_OF[:20].tolist() == first
    assert SUPERCLASS_OF[80:].tolist() == last


@pytest.mark.parametrize(
    ("which", "names", "archive"),
    [
        (Cifar10, ("data_batch_1", "test_batch", "batches.meta"), "cifar-10-binary.tar.gz"),
        (Cifar100, ("train", "test", "meta"), "cifar-100-binary.tar.gz"),
    ],
)
def test_the_python_version_is_refused_unread(
    tmp_path: Path, which: type[Cifar10 | Cifar100], names: tuple[str, ...], archive: str
) -> None:
    """One sentence: what it is, why not, and which archive to fetch. The pickle is not opened."""
    folder = tmp_path / "data/c/batches-py"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(pickle.dumps({b"data": [1]}))
    with pytest.raises(DataError, match=r"pickles, which may run any code.*binary version") as said:
        opened(tmp_path, which)
    assert archive in str(said.value)
    assert which(path="data/c").at_most(tmp_path) is None


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Cut off, of the other set, shorter than its neighbours, missing, one folder further down."""
    folder = tmp_path / "data/c"
    write_train(folder)
    batch = folder / "data_batch_3.bin"
    whole = batch.read_bytes()
    for content, message in (
        (
            whole[:-1],
            "expected records of 3073 bytes.*got 6145 bytes; unpack it again; CIFAR-100 is",
        ),
        (whole[:3073], "expected as many images as in data_batch_1.bin, 2, got 1"),
        (b"", "cannot be read"),
        (bytes([10]) + whole[1:], "expected labels from 0 to 9, got 10"),
    ):
        batch.write_bytes(content)
        with pytest.raises(DataError, match=rf"data/c/data_batch_3\.bin.*{message}"):
            opened(tmp_path, split="train")
    batch.unlink()
    with pytest.raises(
        DataError, match=r"expected data_batch_3\.bin.*no such file; unpack cifar-10"
    ):
        opened(tmp_path, split="train")
    (folder / "test_batch.bin").write_bytes(whole)
    above = Cifar10(path="data")
    with pytest.raises(DataError, match=r"expected test_batch\.bin in it, found c/test_batch\.bin"):
        above.open(tmp_path)


def test_a_superclass_that_is_not_the_classes_is_refused(tmp_path: Path) -> None:
    """An apple is no fish: the two labels of a record must agree."""
    folder = tmp_path / "data/c"
    folder.mkdir(parents=True)
    record = bytes([1, CLASS_NAMES[100].index("apple")]) + bytes(3072)
    (folder / "test.bin").write_bytes(record)
    with pytest.raises(DataError, match=r"superclass 4 \(fruit_and_vegetables\) of image 0.*got 1"):
        opened(tmp_path, Cifar100)
    (folder / "test.bin").write_bytes(bytes([0, 100]) + bytes(3072))
    with pytest.raises(DataError, match="expected labels from 0 to 99, got 100"):
        opened(tmp_path, Cifar100)
