"""CIFAR-10 as it is published, in its binary version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from adversity import ProjectFolder
from adversity_plugins.dataset._cifar import CLASS_NAMES, SIDE
from adversity_plugins.dataset._cifar_batches import batches, count_in, planes_last
from adversity_plugins.dataset._labelled_arrays import LabelledArrays, Part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Cifar10"]

_FILES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
_PUBLISHED = {"train": 50_000, "test": 10_000}


class Cifar10(LabelledArrays):
    """CIFAR-10 from its binary version: 60 000 colour images of 32 x 32 pixels in 10 classes.

    `path` is the folder `cifar-10-batches-bin` of `cifar-10-binary.tar.gz`, with `data_batch_1.bin`
    to `data_batch_5.bin` and `test_batch.bin`. The version for Python is refused: it is pickled,
    and a pickle may run any code when it is read. Files are mapped into memory. Ids are
    `test/00042`, the place in the file; the order of the images is random.

    Reference:
        Krizhevsky, "Learning multiple layers of features from tiny images", 2009; layout as on
        https://www.cs.toronto.edu/~kriz/cifar.html.
    """

    name: ClassVar[str] = "cifar10"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = (
        "Krizhevsky, Learning multiple layers of features from tiny images, 2009"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "cifar-10-batches-bin"},
        {"path": "cifar-10-batches-bin", "split": "train", "limit": 7},
    )

    path: ProjectFolder = Field(
        description="the folder with the .bin files, relative to the project"
    )
    split: Literal["train", "test"] = Field(
        default="test", description="which part: 50 000 images to fit on, 10 000 to report on"
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write six batches of two images each."""
        place = folder / "cifar-10-batches-bin"
        place.mkdir()
        random = np.random.default_rng(0)
        for name in _FILES["train"] + _FILES["test"]:
            rows = random.integers(0, 256, (2, 1 + 3 * SIDE * SIDE), np.uint8)
            rows[:, 0] %= 10
            (place / name).write_bytes(rows.tobytes())

    def _named(self) -> tuple[str, int]:
        return self.split, 5

    def _count(self, files: Sequence[str]) -> int:
        return count_in(self.path, files, _FILES[self.split], 10)

    def _read(self, files: Sequence[str]) -> list[Part]:
        return [
            Part(where, planes_last(images), labels[:, 0])
            for where, labels, images in batches(self.path, files, _FILES[self.split], 10)
        ]

    def _source(self) -> tuple[str, int]:
        return "CIFAR-10, binary version (Krizhevsky, 2009)", _PUBLISHED[self.split]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 10 classes, in the order of the labels."""
        return CLASS_NAMES[10]
