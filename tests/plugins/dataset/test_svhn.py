"""SVHN: MATLAB's files of version 5, written here by the format's description, and what is refused."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.errors import DataError
from adversity_plugins.dataset.svhn import SVHN

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
LABELS = (10, 1, 9, 5, 10)


def element(kind: int, content: bytes) -> bytes:
    """Return a data element: type, length, content up to a multiple of eight."""
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(name: str, sizes: tuple[int, ...], content: bytes) -> bytes:
    """Return an array of unsigned bytes (class 9) as the element miMATRIX (14)."""
    inside = (
        element(6, struct.pack("<II", 9, 0))
        + element(5, struct.pack(f"<{len(sizes)}i", *sizes))
        + element(1, name.encode())
        + element(2, content)
    )
    return element(14, inside)


def mat(*matrices: bytes, packed: bool = True) -> bytes:
    """Return a file of version 5, each matrix packed (15) as MATLAB does by itself."""
    head = b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    if not packed:
        return head + b"".join(matrices)
    packs = [zlib.compress(one) for one in matrices]
    return head + b"".join(struct.pack("<II", 15, len(pack)) + pack for pack in packs)


def images_matrix(images: np.ndarray = IMAGES) -> bytes:
    """Return `X`, 32 x 32 x 3 x N, in which the first index runs fastest."""
    values = images.transpose(1, 2, 3, 0)
    return matrix("X", values.shape, values.tobytes(order="F"))


def labels_matrix(labels: tuple[int, ...] = LABELS) -> bytes:
    return matrix("y", (len(labels), 1), bytes(labels))


def write(root: Path, content: bytes, split: str = "test") -> None:
    (root / "data/s").mkdir(parents=True, exist_ok=True)
    (root / f"data/s/{split}_32x32.mat").write_bytes(content)


def opened(root: Path, **given: Any) -> SVHN:
    data = SVHN(path="data/s", **given)
    data.open(root)
    return data


@pytest.mark.parametrize("packed", [True, False])
def test_images_and_labels_come_back(tmp_path: Path, *, packed: bool) -> None:
    """The last axis counts images; label 10 is the digit 0."""
    write(tmp_path, mat(images_matrix(), labels_matrix(), packed=packed))
    data = opened(tmp_path)
    assert data.at_most(tmp_path) == len(data) == 5
    for number in range(5):
        sample = data.item(number)
        np.testing.assert_array_equal(sample.image, IMAGES[number])
        assert (sample.target, sample.id) == (LABELS[number] % 10, f"test/{number:06d}")
        assert sample.image.flags.owndata
        assert sample.image.flags.c_contiguous
    assert data.class_names[data.item(0).target] == "0"
    assert not data._parts[0].images.flags.owndata  # a view: no second copy of the set
    assert len(opened(tmp_path, limit=2)) == 2


def test_an_image_lies_in_one_piece(tmp_path: Path) -> None:
    """So that an item reads 3 072 bytes and not every 3 072nd of the whole set."""
    write(tmp_path, mat(images_matrix(), labels_matrix()))
    image = opened(tmp_path)._parts[0].images[2]
    low, high = np.lib.array_utils.byte_bounds(image)
    assert high - low == image.size == 3072


WHOLE = mat(images_matrix(), labels_matrix())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512), "got version 7.3.*HDF5"),
        (b"<html></html>", "expected a MATLAB file.*got none"),
        (b"", "expected a MATLAB file.*got none"),
        (WHOLE[:-20], "damaged .it ends 20 bytes too early"),
        (WHOLE[:5000], "damaged .it ends"),
        (WHOLE[:8000] + b"?" + WHOLE[8001:], "damaged"),
        (mat(labels_matrix()), "expected X, uint8 of 32 x 32 x 3 x N, got none of no size"),
        (
            mat(matrix("X", (3, 32, 32, 5), IMAGES.tobytes()), labels_matrix()),
            "got uint8 of 3 x 32 x 32 x 5",
        ),
        (mat(images_matrix()), "expected y, the labels, found none"),
        (mat(images_matrix(), labels_matrix((1, 2, 3, 4))), "each of 5 images, got 4"),
        (mat(images_matrix(), labels_matrix((1, 2, 3, 4, 0))), "10 is the digit 0, got 0 to 4"),
        (mat(images_matrix(), labels_matrix((1, 2, 3, 4, 11))), "10 is the digit 0, got 1 to 11"),
        # A head that says a billion images: nothing is set aside for them.
        (
            mat(matrix("X", (32, 32, 3, 2**29), b"\0" * 64), labels_matrix()),
            "as many values as its sizes say",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Another version, damaged, something else in it: what was expected and what came."""
    write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        opened(tmp_path)
    assert "data/s/test_32x32.mat" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With the one that is there."""
    write(tmp_path, WHOLE)
    with pytest.raises(DataError, match=r"train_32x32\.mat: expected cropped digits.*no such file"):
        opened(tmp_path, split="train")
    assert SVHN(path="data/s", split="extra").at_most(tmp_path) is None
