"""CIFAR-100 as it is published, in its binary version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from adversity.errors import DataError
from adversity_plugins.dataset._cifar import CLASS_NAMES, SIDE
from adversity_plugins.dataset._cifar_batches import CifarBatches
from adversity_plugins.dataset._labelled_arrays import Part
from adversity_plugins.dataset._superclasses import SUPERCLASS_OF, SUPERCLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity_plugins.dataset._cifar import Array, ClassCount

__all__ = ["Cifar100"]


class Cifar100(CifarBatches):
    """CIFAR-100 from its binary version: 60 000 colour images of 32 x 32 pixels in 100 classes.

    `path` is the folder `cifar-100-binary` of `cifar-100-binary.tar.gz`, with `train.bin` and
    `test.bin`. The version for Python is refused: it is pickled, and a pickle may run any code when
    it is read. Each image has a class and the superclass of that: `labels` says which of them is
    the target, and the superclass is the attribute `superclass` in any case, for `by: superclass`.
    Files are mapped into memory. Ids are `test/00042`, the place in the file; the order of the
    images is random.

    Reference:
        Krizhevsky, "Learning multiple layers of features from tiny images", 2009; layout and
        superclasses as on https://www.cs.toronto.edu/~kriz/cifar.html.
    """

    name: ClassVar[str] = "cifar100"
    _classes: ClassVar[ClassCount] = 100
    _files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("train.bin",),
        "test": ("test.bin",),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "cifar-100-binary"},
        {"path": "cifar-100-binary", "split": "train", "labels": "coarse", "limit": 3},
    )

    labels: Literal["fine", "coarse"] = Field(
        default="fine", description="fine are the 100 classes, coarse their 20 superclasses"
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write both files, of four images each."""
        place = folder / "cifar-100-binary"
        place.mkdir()
        random = np.random.default_rng(0)
        for name in cls._files["train"] + cls._files["test"]:
            rows = random.integers(0, 256, (4, 2 + 3 * SIDE * SIDE), np.uint8)
            rows[:, 1] = random.integers(10, 100, 4)
            rows[:, 0] = SUPERCLASS_OF[rows[:, 1]]
            (place / name).write_bytes(rows.tobytes())

    def _read(self, files: Sequence[str]) -> list[Part]:
        said: list[dict[str, str | float]] = [{"superclass": name} for name in SUPERCLASSES]
        parts = []
        for where, labels, images in self._batches(files):
            coarse, fine = labels[:, 0], labels[:, 1]
            _require_agreement(where, coarse, fine)
            parts.append(
                Part(
                    where,
                    images.transpose(0, 2, 3, 1),
                    fine if self.labels == "fine" else coarse,
                    attributes=[said[number] for number in coarse.tolist()],
                )
            )
        return parts

    def describe(self) -> dict[str, Any]:
        """Return what was taken, where it comes from, and which labels are the targets."""
        return {**super().describe(), "labels": self.labels}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 100 classes, or the 20 superclasses, in the order of the labels."""
        return super().class_names if self.labels == "fine" else SUPERCLASSES


def _require_agreement(where: str, coarse: Array, fine: Array) -> None:
    """Refuse images whose superclass is not that of their class.

    Raises:
        DataError: With the first one.
    """
    wrong = np.flatnonzero(SUPERCLASS_OF[fine] != coarse)
    if len(wrong):
        at = wrong[0]
        name, right = CLASS_NAMES[100][fine[at]], SUPERCLASSES[SUPERCLASS_OF[fine[at]]]
        raise DataError(
            f"{where}: expected the superclass {SUPERCLASS_OF[fine[at]]} ({right}) of image {at}, "
            f"whose class is {name}, got {coarse[at]} ({len(wrong)} such); it is another file, or "
            "damaged"
        )
