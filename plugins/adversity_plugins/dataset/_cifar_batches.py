"""The binary version of CIFAR-10 and CIFAR-100, split by split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import ProjectFolder
from adversity.errors import DataError
from adversity_plugins.dataset._cifar import CLASS_NAMES, SIDE, ClassCount, records
from adversity_plugins.dataset._labelled_arrays import LabelledArrays, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity_plugins.dataset._cifar import Array

__all__ = ["CifarBatches"]

_PICKLES = {
    10: ("data_batch_1", "test_batch", "batches.meta"),
    100: ("train", "test", "meta"),
}
"""How files of the version for Python are called."""
_ARCHIVES = {
    10: ("cifar-10-binary.tar.gz", "cifar-10-batches-bin"),
    100: ("cifar-100-binary.tar.gz", "cifar-100-binary"),
}
_PUBLISHED = {"train": 50_000, "test": 10_000}


class CifarBatches(LabelledArrays):
    """A CIFAR in its binary version; `_classes` says which, `_files` the files of each split."""

    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = (
        "Krizhevsky, Learning multiple layers of features from tiny images, 2009"
    )
    _classes: ClassVar[ClassCount]
    _files: ClassVar[Mapping[str, tuple[str, ...]]]

    path: ProjectFolder = Field(
        description="the folder with the .bin files, relative to the project"
    )
    split: Literal["train", "test"] = Field(
        default="test", description="which part: 50 000 images to fit on, 10 000 to report on"
    )

    def _named(self) -> tuple[str, int]:
        return self.split, 5

    def _source(self) -> tuple[str, int]:
        name = f"CIFAR-{self._classes}, binary version (Krizhevsky, 2009)"
        return name, _PUBLISHED[self.split]

    def _count(self, files: Sequence[str]) -> int:
        self._require_there(files)
        record = (1 if self._classes == 10 else 2) + 3 * SIDE * SIDE
        names = self._files[self.split]
        return sum((self.path.path / name).stat().st_size // record for name in names)

    def _read(self, files: Sequence[str]) -> list[Part]:
        return [
            Part(where, images.transpose(0, 2, 3, 1), labels[:, 0])
            for where, labels, images in self._batches(files)
        ]

    def _batches(self, files: Sequence[str]) -> Iterator[tuple[str, Array, Array]]:
        """Map the files of the split into memory.

        Args:
            files: What lies in the folder.

        Yields:
            Of each file what messages call it, labels `[N, 1]` or `[N, 2]` (superclass first), and
            images `[N, 3, 32, 32]`.

        Raises:
            DataError: If one is missing, is none of the binary version, or shorter than another.
        """
        self._require_there(files)
        classes, names = self._classes, self._files[self.split]
        other = 110 - classes
        advice = f"unpack it again; CIFAR-{other} is the data set cifar{other}"
        count: int | None = None
        for name in names:
            where = f"{self.path.text}/{name}"
            labels, images = records(self.path.path / name, where, classes, advice)
            high = int(labels[:, -1].max())
            if high >= classes:
                raise DataError(
                    f"{where}: expected labels from 0 to {classes - 1}, got {high}; {advice}"
                )
            if count is not None and len(labels) != count:
                raise DataError(
                    f"{where}: expected as many images as in {names[0]}, {count}, got "
                    f"{len(labels)}; one of the two was cut off, unpack the archive again"
                )
            count = len(labels)
            yield where, labels, images

    def _require_there(self, files: Sequence[str]) -> None:
        """Refuse a folder that lacks a file.

        Raises:
            DataError: With what to fetch, or where it lies.
        """
        folder, classes = self.path.text, self._classes
        missing = next((name for name in self._files[self.split] if name not in files), None)
        if missing is None:
            return
        archive, inner = _ARCHIVES[classes]
        below = next((file for file in files if file.endswith(f"/{missing}")), None)
        if below is not None:
            raise DataError(
                f"{folder}: expected {missing} in it, found {below}; write `path: "
                f"{folder}/{below.rpartition('/')[0]}`"
            )
        if any(file.rpartition("/")[2] in _PICKLES[classes] for file in files):
            raise DataError(
                f"{folder} has the Python version of CIFAR-{classes}, pickles, which may run any "
                f"code when they are read: fetch the binary version, {archive}, from "
                f"https://www.cs.toronto.edu/~kriz/cifar.html, and name its folder, {inner}"
            )
        raise DataError(
            f"{folder}: expected {missing} of the binary version, found no such file; unpack "
            f"{archive}, and name its folder, {inner}"
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the labels."""
        return CLASS_NAMES[self._classes]
