"""The binary version of CIFAR-10 and CIFAR-100, split by split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity_plugins.dataset._cifar import SIDE, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity import ProjectFolder
    from adversity_plugins.dataset._cifar import Array, ClassCount

__all__ = ["batches", "count_in", "planes_last"]

_PICKLES = {
    10: ("data_batch_1", "test_batch", "batches.meta"),
    100: ("train", "test", "meta"),
}
"""How files of the version for Python are called."""
_ARCHIVES = {
    10: ("cifar-10-binary.tar.gz", "cifar-10-batches-bin"),
    100: ("cifar-100-binary.tar.gz", "cifar-100-binary"),
}


def batches(
    folder: ProjectFolder, files: Sequence[str], names: Sequence[str], classes: ClassCount
) -> list[tuple[str, Array, Array]]:
    """Map the files of a split into memory.

    Args:
        folder: Where they lie.
        files: What lies there.
        names: Those of the split, in order.
        classes: How many there are.

    Returns:
        For each file what messages call it, labels `[N, 1]` or `[N, 2]` (superclass first), and
        images `[N, 3, 32, 32]`.

    Raises:
        DataError: If one is missing, is none of the binary version, or shorter than another.
    """
    _require_there(folder, files, names, classes)
    other = 110 - classes
    advice = f"unpack it again; CIFAR-{other} is the data set cifar{other}"
    found: list[tuple[str, Array, Array]] = []
    for name in names:
        where = f"{folder.text}/{name}"
        labels, images = records(folder.path / name, where, classes, advice)
        high = int(labels[:, -1].max())
        if high >= classes:
            raise DataError(
                f"{where}: expected labels from 0 to {classes - 1}, got {high}; {advice}"
            )
        if found and len(labels) != len(found[0][1]):
            raise DataError(
                f"{where}: expected as many images as in {names[0]}, {len(found[0][1])}, got "
                f"{len(labels)}; one of the two was cut off, unpack the archive again"
            )
        found.append((where, labels, images))
    return found


def count_in(
    folder: ProjectFolder, files: Sequence[str], names: Sequence[str], classes: ClassCount
) -> int:
    """Return how many images files hold, by their sizes.

    Raises:
        DataError: If one is missing.
    """
    _require_there(folder, files, names, classes)
    record = (1 if classes == 10 else 2) + 3 * SIDE * SIDE
    return sum((folder.path / name).stat().st_size // record for name in names)


def planes_last(images: Array) -> Array:
    """Return images `[N, 3, 32, 32]` as a view `[N, 32, 32, 3]`."""
    return images.transpose(0, 2, 3, 1)


def _require_there(
    folder: ProjectFolder, files: Sequence[str], names: Sequence[str], classes: ClassCount
) -> None:
    """Refuse a folder that lacks a file.

    Raises:
        DataError: With what to fetch, or where it lies.
    """
    missing = next((name for name in names if name not in files), None)
    if missing is None:
        return
    archive, inner = _ARCHIVES[classes]
    below = next((file for file in files if file.endswith(f"/{missing}")), None)
    if below is not None:
        raise DataError(
            f"{folder.text}: expected {missing} in it, found {below}; write `path: "
            f"{folder.text}/{below.rpartition('/')[0]}`"
        )
    if any(file.rpartition("/")[2] in _PICKLES[classes] for file in files):
        raise DataError(
            f"{folder.text} has the Python version of CIFAR-{classes}, pickles, which may run any "
            f"code when they are read: fetch the binary version, {archive}, from "
            f"https://www.cs.toronto.edu/~kriz/cifar.html, and name its folder, {inner}"
        )
    raise DataError(
        f"{folder.text}: expected {missing} of the binary version, found no such file; unpack "
        f"{archive}, and name its folder, {inner}"
    )
