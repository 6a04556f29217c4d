"""MNIST, and the sets that are published in its format: idx files, plain or packed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from adversity import ProjectFolder
from adversity_plugins.dataset._idx import idx_in
from adversity_plugins.dataset._labelled_arrays import LabelledArrays, Part, require_as_many
from adversity_plugins.dataset._mnist_family import FAMILY, Member, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity_plugins.dataset._labelled_arrays import Array

__all__ = ["MNIST"]

_SIDE = 28
_SEEN = 10_000
"""The first so many of QMNIST's test images are those of MNIST's test set."""
_COLUMNS = 8
"""Class, series, writer, the writer's digit, NIST's class code, NIST's digit, and two more."""


class MNIST(LabelledArrays):
    """MNIST and its family from their idx files: grey images of 28 x 28 pixels, ink white on black.

    `path` is the folder with `train-images-idx3-ubyte` and the other files of the set, with or
    without `.gz`. A plain file is mapped into memory, a packed one is unpacked there once. MNIST,
    Fashion-MNIST and KMNIST call their files alike and do not say which they are: `variant` does.
    Ids are `test/000042`, the place in the file.

    EMNIST's files have rows and columns exchanged; here images are upright, unless `transposed`.
    Of its six sets `letters` counts from 1 in the file and from 0 here. QMNIST says who wrote each
    digit: that is its `group`, and the attribute `series` tells employees (`hsf_0`, `hsf_1`) from
    pupils (`hsf_4`), whose digits are harder.

    Reference:
        LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998 (with the idx
        format); Xiao et al., "Fashion-MNIST", 2017; Clanuwat et al., "Deep learning for classical
        Japanese literature", 2018 (KMNIST); Cohen et al., "EMNIST: an extension of MNIST to
        handwritten letters", 2017; Yadav and Bottou, "Cold case: the lost MNIST digits", 2019.
    """

    name: ClassVar[str] = "mnist"
    image_channels: ClassVar[tuple[int, ...] | None] = (1,)
    reference: ClassVar[str] = (
        "LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "mnist"},
        {"path": "mnist", "variant": "qmnist", "split": "test10k", "limit": 3},
        {"path": "mnist", "variant": "emnist_letters", "split": "train"},
    )

    path: ProjectFolder = Field(
        description="the folder with the idx files, relative to the project"
    )
    variant: Variant = Field(
        default="mnist", description="which set of the family, and of EMNIST which of its six"
    )
    split: Literal["train", "test", "test10k", "test50k"] = Field(
        default="test",
        description="which part; of QMNIST also the test images that MNIST has, test10k, and those "
        "that were lost, test50k",
    )
    transposed: bool = Field(
        default=False,
        description="leave EMNIST's images as the files have them, rows and columns exchanged, as "
        "torchvision does",
    )

    @model_validator(mode="after")
    def _has_it(self) -> Self:
        if self.split in ("test10k", "test50k") and self.variant != "qmnist":
            raise ValueError(f"split: {self.split} is a part of qmnist, got {self.variant}")
        if self.transposed and not self._member.transposed:
            raise ValueError(f"transposed: is of EMNIST, got {self.variant}, which is upright")
        return self

    @property
    def _member(self) -> Member:
        return FAMILY[self.variant]

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write MNIST's and QMNIST's test sets and the training set of letters, four images each."""
        import gzip

        (folder / "mnist").mkdir()
        random = np.random.default_rng(0)
        labels = {
            "t10k-labels-idx1-ubyte": np.array([7, 2, 1, 0], np.uint8),
            "qmnist-test-labels-idx2-int": np.array(
                [[d, 4, 2100 + d % 2, d, 30 + d, d, 0, 0] for d in (7, 2, 1, 0)], ">i4"
            ),
            "emnist-letters-train-labels-idx1-ubyte": np.array([23, 7, 16, 26], np.uint8),
        }
        for name, values in labels.items():
            images = random.integers(0, 256, (4, _SIDE, _SIDE), np.uint8)
            ours = name.replace("labels", "images").rsplit("-", 2)[0] + "-idx3-ubyte"
            for file, array in ((name, values), (ours, images)):
                code = 8 if array.dtype == np.uint8 else 12
                head = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
                packed = gzip.compress(head + array.tobytes(), mtime=0)
                (folder / "mnist" / f"{file}.gz").write_bytes(packed)

    def _named(self) -> tuple[str, int]:
        return "train" if self.split == "train" else "test", 6

    def _labels(self, files: Sequence[str]) -> tuple[Array, str]:
        """Return what the file of labels says, `[N]`, or `[N, 8]` of QMNIST, and its name.

        Raises:
            DataError: If it is missing, or none of its format.
        """
        stem = self._member.stem(self._named()[0])
        if self.variant == "qmnist":
            name = f"{stem}-labels-idx2-int"
            return idx_in(self.path, name, files, numbers="int", inner=(_COLUMNS,))
        name = f"{stem}-labels-idx1-ubyte"
        return idx_in(self.path, name, files, numbers="ubyte", inner=())

    def _taken(self) -> slice:
        """Return which images of the file are the split's."""
        return {"test10k": slice(0, _SEEN), "test50k": slice(_SEEN, None)}.get(
            self.split, slice(None)
        )

    def _count(self, files: Sequence[str]) -> int:
        return len(self._labels(files)[0][self._taken()])

    def _read(self, files: Sequence[str]) -> list[Part]:
        name = f"{self._member.stem(self._named()[0])}-images-idx3-ubyte"
        images, where = idx_in(self.path, name, files, numbers="ubyte", inner=(_SIDE, _SIDE))
        labels, _ = self._labels(files)
        require_as_many(where, images, labels)
        if self._member.transposed and not self.transposed:
            images = images.swapaxes(1, 2)
        groups: list[str] = []
        said: list[dict[str, str | float]] = []
        taken = self._taken()
        if labels.ndim == 2:
            told = labels[taken].tolist()
            series = {number: {"series": f"hsf_{number}"} for number in {row[1] for row in told}}
            said = [dict[str, str | float](series[row[1]]) for row in told]
            groups = [f"writer-{row[2]:04d}" for row in told]
            labels = labels[:, 0]
        classes = labels.astype(np.int64) - self._member.first
        return [Part(where, images[taken], classes[taken], groups, said, taken.start or 0)]

    def _source(self) -> tuple[str, int]:
        member = self._member
        published = member.train if self.split == "train" else member.test
        published = {"test10k": _SEEN, "test50k": published - _SEEN}.get(self.split, published)
        return member.source, published

    def describe(self) -> dict[str, Any]:
        """Return what was taken, where it comes from, and which set and part it is."""
        return {**super().describe(), "variant": self.variant, "split": self.split}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the set, in the order of its labels."""
        return self._member.class_names
