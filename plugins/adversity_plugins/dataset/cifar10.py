"""CIFAR-10 as it is published, in its binary version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity_plugins.dataset._cifar import SIDE
from adversity_plugins.dataset._cifar_batches import CifarBatches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adversity_plugins.dataset._cifar import ClassCount

__all__ = ["Cifar10"]


class Cifar10(CifarBatches):
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
    _classes: ClassVar[ClassCount] = 10
    _files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        "test": ("test_batch.bin",),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "cifar-10-batches-bin"},
        {"path": "cifar-10-batches-bin", "split": "train", "limit": 7},
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write six batches of two images each."""
        place = folder / "cifar-10-batches-bin"
        place.mkdir()
        random = np.random.default_rng(0)
        for name in cls._files["train"] + cls._files["test"]:
            rows = random.integers(0, 256, (2, 1 + 3 * SIDE * SIDE), np.uint8)
            rows[:, 0] %= 10
            (place / name).write_bytes(rows.tobytes())
