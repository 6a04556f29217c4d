"""MNIST and its family: real images in the published bytes, which is which, what is refused."""

from __future__ import annotations

import gzip
import string
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from idx_files import idx_bytes, qmnist_bytes, write_set
from published_images import published
from pydantic import ValidationError

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset._mnist_family import FAMILY
from adversity_plugins.dataset.mnist import MNIST

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
LABELS = np.array([7, 2, 1, 0, 4], np.uint8)
WRITERS = [
    [7, 4, 2100, 11, 37, 5, 0, 0],
    [2, 4, 2100, 12, 32, 6, 0, 0],
    [1, 1, 12, 3, 31, 7, 0, 0],
    [0, 0, 610, 4, 30, 8, 0, 0],
    [4, 4, 2599, 0, 34, 9, 0, 0],
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with five images as MNIST's test set."""
    write_set(tmp_path / "data/m", "t10k", IMAGES, LABELS)
    return tmp_path


def opened(root: Path, **given: Any) -> MNIST:
    data = MNIST(path="data/m", **given)
    data.open(root)
    return data


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(
    ("variant", "name"), [("mnist", "mnist"), ("fashion_mnist", "fashionMNIST")]
)
def test_real_images_in_published_bytes(
    tmp_path: Path, variant: str, name: str, *, packed: bool
) -> None:
    """The first twenty test images and labels of MNIST and Fashion-MNIST come back."""
    images, labels = published(name)
    write_set(tmp_path / "data/m", "t10k", images, labels, packed=packed)
    data = opened(tmp_path, variant=variant)
    assert data.at_most(tmp_path) == len(data) == 20
    for number in range(20):
        sample = data.item(number)
        np.testing.assert_array_equal(sample.image, images[number])
        assert (sample.target, sample.id) == (labels[number], f"test/{number:06d}")
        assert sample.image.flags.owndata  # a copy: nobody writes to the file
    # 9 is an ankle boot and 2 a pullover, by the table in the README of Fashion-MNIST.
    first = data.class_names[labels[0]], data.class_names[labels[1]]
    assert first == (("7", "2") if variant == "mnist" else ("Ankle boot", "Pullover"))


def test_a_plain_file_is_mapped(root: Path) -> None:
    """No image is read before it is wanted, and what is written later is noticed."""
    data = opened(root)
    assert isinstance(data._parts[0].images, np.memmap)
    file = root / "data/m/t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[16 + 2 * 784] ^= 1
    with file.open("r+b") as stream:
        stream.write(content)
    assert data.item(1).target == 2
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte changed during the run"):
        data.item(2)


def test_other_spellings_of_names(root: Path) -> None:
    """`t10k-images.idx3-ubyte`, as some archives unpack; the plain file goes before the packed."""
    folder = root / "data/m"
    for kind in ("images-idx3", "labels-idx1"):
        (folder / f"t10k-{kind}-ubyte").rename(folder / f"t10k-{kind.replace('-', '.')}-ubyte")
    assert [sample.target for sample in map(opened(root).item, range(5))] == LABELS.tolist()
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"never looked at")
    assert len(opened(root)) == 5


@pytest.mark.parametrize(
    ("variant", "label", "name", "count"),
    [
        # Labels and characters as the mapping files of EMNIST pair them: label, then ASCII code.
        ("emnist_byclass", 36, chr(97), 62),
        ("emnist_byclass", 61, chr(122), 62),
        ("emnist_bymerge", 36, chr(97), 47),
        ("emnist_balanced", 38, chr(100), 47),
        ("emnist_balanced", 46, chr(116), 47),
        ("emnist_letters", 26, "z", 26),
        ("emnist_letters", 1, "a", 26),
        ("emnist_digits", 9, "9", 10),
        ("emnist_mnist", 3, "3", 10),
    ],
)
def test_emnist(tmp_path: Path, variant: str, label: int, name: str, count: int) -> None:
    """Six sets with names of their own; images lie on their side in the files, and stand here."""
    stem = f"emnist-{variant.removeprefix('emnist_')}-train"
    write_set(tmp_path / "data/m", stem, IMAGES, np.full(5, label, np.uint8), packed=True)
    data = opened(tmp_path, variant=variant, split="train")
    assert len(data.class_names) == count
    assert data.class_names[data.item(0).target] == name
    np.testing.assert_array_equal(data.item(3).image, IMAGES[3].T)
    as_torchvision = opened(tmp_path, variant=variant, split="train", transposed=True)
    np.testing.assert_array_equal(as_torchvision.item(3).image, IMAGES[3])
    assert as_torchvision.index()[3].content != data.index()[3].content


def test_class_names_are_torchvisions() -> None:
    """An independent list: of letters it has one that stands for nothing in front."""
    from torchvision.datasets import EMNIST, KMNIST, FashionMNIST

    for part, names in EMNIST.classes_split_dict.items():
        ours = FAMILY[f"emnist_{part}"].class_names  # type: ignore[index]
        assert list(ours) == [name for name in names if name != "N/A"], part
    assert list(FAMILY["kmnist"].class_names) == KMNIST.classes
    assert list(FAMILY["fashion_mnist"].class_names) == FashionMNIST.classes
    assert FAMILY["mnist"].class_names == tuple(string.digits)


def test_qmnist_knows_its_writers(tmp_path: Path) -> None:
    """Digits of one writer are a group; employees and pupils are told apart."""
    folder = tmp_path / "data/m"
    folder.mkdir(parents=True)
    (folder / "qmnist-test-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(IMAGES)))
    (folder / "qmnist-test-labels-idx2-int.gz").write_bytes(gzip.compress(qmnist_bytes(WRITERS)))
    data = opened(tmp_path, variant="qmnist", split="test10k")
    said = [data.item(number) for number in range(5)]
    assert [one.target for one in said] == [7, 2, 1, 0, 4]
    assert [one.group for one in said][:3] == ["writer-2100", "writer-2100", "writer-0012"]
    assert [one.attributes["series"] for one in said] == [f"hsf_{n}" for n in (4, 4, 1, 0, 4)]
    assert len(set(Source(data).groups)) == 4


def test_parts_of_qmnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first images are MNIST's test set, the others were lost; ids are the place in the file."""
    import adversity_plugins.dataset.mnist as module

    monkeypatch.setattr(module, "_SEEN", 2)
    folder = tmp_path / "data/m"
    folder.mkdir(parents=True)
    (folder / "qmnist-test-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES))
    (folder / "qmnist-test-labels-idx2-int").write_bytes(qmnist_bytes(WRITERS))
    ids = {
        split: [row.id for row in opened(tmp_path, variant="qmnist", split=split).index()]
        for split in ("test", "test10k", "test50k")
    }
    assert ids["test"] == ids["test10k"] + ids["test50k"]
    assert ids["test50k"] == ["test/000002", "test/000003", "test/000004"]
    later = opened(tmp_path, variant="qmnist", split="test50k")
    np.testing.assert_array_equal(later.item(1).image, IMAGES[3])
    assert later.item(1).group == "writer-0610"


WHOLE = idx_bytes(IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-1], "expected 3936 bytes, as its head says, got a file that was cut off"),
        (WHOLE + b"\0", "expected 3936 bytes, as its head says, got more"),
        (WHOLE[:7], "expected a head of 16 bytes, got 7"),
        (b"", "begins with 00000803, ubyte in 3 dimensions, got nothing"),
        (b"<html>not found</html>", "begins with 00000803.*got 3c68746d"),
        (idx_bytes(LABELS), "begins with 00000803.*got 00000801"),
        (idx_bytes(IMAGES[:, :27]), "expected N x 28 x 28, got 5 x 27 x 28"),
        (idx_bytes(IMAGES[:4]), "expected a label for each of 4 images, got 5"),
        (gzip.compress(WHOLE)[:-9], "cannot be read"),
        (gzip.compress(WHOLE[:-1]), "as its head says, got a file that was cut off"),
        (gzip.compress(WHOLE + b"\0"), "as its head says, got more"),
        (b"\x1f\x8bno gzip", "cannot be read"),
        # A head that says four billion images: nothing is set aside for them.
        (gzip.compress(WHOLE[:4] + b"\xff" * 4 + WHOLE[8:]), "got a file that was cut off"),
        (WHOLE[:4] + b"\xff" * 4 + WHOLE[8:], "got a file that was cut off"),
    ],
    ids=str,
)
def test_other_files_are_refused(root: Path, content: bytes, message: str) -> None:
    """Cut off, too long, another file, no idx file: what was expected and what came."""
    (root / "data/m/t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        opened(root)
    assert "data/m/t10k-images-idx3-ubyte" in str(caught.value)


def test_other_labels_and_missing_files_are_refused(root: Path) -> None:
    """A label that is no class, no file of that name, more images wanted than there are."""
    labels = root / "data/m/t10k-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(np.array([7, 2, 10, 0, 4], np.uint8)))
    with pytest.raises(DataError, match=r"labels of 10 classes, image 2 has one .* \(1 such\)"):
        opened(root)
    labels.write_bytes(idx_bytes(np.zeros(0, np.uint8)))
    with pytest.raises(DataError, match="expected a label for each of 5 images, got 0"):
        opened(root)
    (root / "data/m/t10k-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[:0]))
    with pytest.raises(DataError, match="expected images, found none"):
        opened(root)
    with pytest.raises(
        DataError, match=r"expected train-images-idx3-ubyte or .*\.gz, found no such"
    ):
        opened(root, split="train")
    assert MNIST(path="data/m", split="train").at_most(root) is None
    write_set(root / "data/m", "t10k", IMAGES, LABELS)
    with pytest.raises(DataError, match="limit 6 is more than the 5 images"):
        opened(root, limit=6)


@pytest.mark.parametrize(
    "given",
    [
        {"split": "test10k"},
        {"transposed": True},
        {"variant": "emnist"},
        {"variant": "kmnist", "split": "extra"},
        {"limit": 0},
    ],
    ids=str,
)
def test_parameters_are_checked(given: dict[str, Any]) -> None:
    """What only one set of the family has is asked of that one alone."""
    with pytest.raises(ValidationError):
        MNIST(path="data/m", **given)
