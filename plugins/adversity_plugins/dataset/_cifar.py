"""CIFAR's classes, and arrays of its images in NumPy files: memory-mapped, never unpickled."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity import ProjectFile, ProjectFolder

__all__ = [
    "CLASS_NAMES",
    "SIDE",
    "ClassCount",
    "array_in",
    "image_of",
    "labels_fault",
    "records",
    "require_labels",
    "sha256",
    "test_set",
]

Array = np.ndarray[Any, Any]
ClassCount = Literal[10, 100]
SIDE = 32
"""Rows and columns of an image."""
_PLANES = (3, SIDE, SIDE)
"""How an image lies in the binary version: red, green, blue."""

_TEN = "airplane automobile bird cat deer dog frog horse ship truck"
_HUNDRED = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""
CLASS_NAMES: dict[ClassCount, tuple[str, ...]] = {
    10: tuple(_TEN.split()),
    100: tuple(_HUNDRED.split()),
}
"""Names in the order of the labels, as `batches.meta` and `fine_label_names` spell them."""


def array_in(folder: ProjectFolder, name: str, files: Sequence[str], what: str) -> Array:
    """Map a NumPy file into memory, read-only.

    Args:
        folder: Where it lies.
        name: The file.
        files: What lies in the folder.
        what: What it should hold, for the message: `labels`.

    Raises:
        DataError: If it is not there, or no array of numbers.
    """
    where = f"{folder.text}/{name}"
    if name not in files:
        hint = did_you_mean(name, files, "check `path`: it names the folder with the .npy files")
        raise DataError(f"{where}: expected {what}, found no such file; {hint}")
    try:
        # Unlike np.load, this opens neither pickles nor archives.
        return np.lib.format.open_memmap(folder.path / name, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{where}: expected a whole NumPy file of numbers, got one that cannot be mapped "
            f"({error}); fetch it again"
        ) from error


def labels_fault(labels: Array, classes: ClassCount) -> str | None:
    """Say why an array holds no labels of as many classes, or None.

    Args:
        labels: As it stands in the file.
        classes: How many there are.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        return f"expected a row of whole numbers, got {labels.dtype} of shape {labels.shape}"
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        more = (
            "; is it CIFAR-100? Then `classes: 100`" if classes == 10 and 10 <= high < 100 else ""
        )
        return f"expected labels from 0 to {classes - 1}, got {low} to {high}{more}"
    if classes == 100 and high < 10:
        return f"expected 100 classes, the highest label is {high}; is it CIFAR-10? `classes: 10`"
    return None


def records(path: Path, where: str, classes: ClassCount, advice: str) -> tuple[Array, Array]:
    """Map a file of the binary version into memory; its labels may still be none.

    A record has the label, in CIFAR-100 after that of the superclass, and three planes.

    Args:
        path: The file.
        where: What messages call it.
        classes: How many there are.
        advice: What to do about one of another size, for the message.

    Returns:
        Labels `[N, 1]`, or `[N, 2]` with the superclass first, and images `[N, 3, 32, 32]`, uint8,
        read-only.

    Raises:
        DataError: If it is no such file.
    """
    said = 1 if classes == 10 else 2
    record = said + 3 * SIDE * SIDE
    try:
        values = np.memmap(path, np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: cannot be read ({error})") from error
    if len(values) % record:
        raise DataError(
            f"{where}: expected records of {record} bytes, the binary version of CIFAR-{classes}, "
            f"got {len(values)} bytes; {advice}"
        )
    rows = values.reshape(-1, record)
    return rows[:, :said], rows[:, said:].reshape(-1, *_PLANES)


def test_set(file: ProjectFile, classes: ClassCount) -> tuple[Array, Array]:
    """Map the binary version of a test set into memory.

    Args:
        file: `test_batch.bin`, or `test.bin` of CIFAR-100.
        classes: How many there are.

    Returns:
        Labels `[N]` and images `[N, 3, 32, 32]`, uint8, read-only.

    Raises:
        DataError: If it is no such file.
    """
    advice = "unpack it again, or check `classes`"
    labels, images = records(file.path, str(file), classes, advice)
    fault = labels_fault(labels[:, -1], classes)
    if fault is not None:
        raise DataError(f"{file}: {fault}")
    return labels[:, -1], images


def require_labels(file: ProjectFile, labels: Array, expected: Array) -> None:
    """Refuse a test set that is not the one whose images were changed: its labels tell.

    Args:
        file: The test set.
        labels: `[N]`, what it says.
        expected: `[N]`, what `labels.npy` says.

    Raises:
        DataError: With the first image whose label is another.
    """
    if len(labels) != len(expected):
        raise DataError(
            f"{file}: expected the {len(expected)} images that were changed, got {len(labels)}; "
            "it is another set"
        )
    other = np.flatnonzero(labels != expected)
    if len(other):
        raise DataError(
            f"{file}: expected the labels of labels.npy, image {other[0]} has {labels[other[0]]} "
            f"and should have {expected[other[0]]} ({len(other)} differ); it is another set"
        )


def image_of(planes: Array) -> Array:
    """Return three planes as an image, `[32, 32, 3]`."""
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def sha256(values: Array) -> str:
    """Return the SHA-256 of an array's values, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
