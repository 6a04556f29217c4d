"""Labelled images in arrays, a split of them in one or several files: CIFAR, SVHN, MNIST."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, PrivateAttr

from adversity.contracts.values import IndexRow
from adversity.errors import DataError
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset._cifar import sha256
from adversity_plugins.dataset._mapped import Mapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["LabelledArrays", "Part", "require_as_many"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What one file of a split holds.

    Attributes:
        file: Its name, relative to the project, for messages.
        images: `[N, H, W]` or `[N, H, W, 3]` uint8, a view: nothing is copied.
        labels: `[N]`, class indices as `class_names` has them.
        groups: What each image belongs with; empty where the file does not say it.
        attributes: More of each image; empty where there is no more.
        first: The number of the first image among those of the published split.
    """

    file: str
    images: Array
    labels: Array
    groups: Sequence[str] = ()
    attributes: Sequence[Mapping[str, str | float]] = field(default_factory=tuple)
    first: int = 0


class LabelledArrays(Mapped):
    """Labelled images in arrays; ids are the split and the image's number in it, `test/00042`."""

    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many images, in the order of the files; all by default",
    )

    _parts: tuple[Part, ...] = PrivateAttr(default=())
    _ends: tuple[int, ...] = PrivateAttr(default=())

    @abstractmethod
    def _named(self) -> tuple[str, int]:
        """Return the split's name in ids, and how many digits a number has there."""

    @abstractmethod
    def _count(self, files: Sequence[str]) -> int:
        """Return how many images the split has, by a look that reads none of them.

        Raises:
            DataError: If a file is missing, or none of its format.
        """

    @abstractmethod
    def _read(self, files: Sequence[str]) -> list[Part]:
        """Return the split: a part for each file.

        Raises:
            DataError: If a file is missing, or none of its format.
        """

    @abstractmethod
    def _source(self) -> tuple[str, int]:
        """Return what the split is called and who made it, and how many images it has."""

    def at_most(self, root: Path) -> int | None:
        """Return `limit`, or how many images the split has by its labels or sizes."""
        self.path.bind(root)
        try:
            count = self._count(self.path.files())
        except (DataError, ValueError):
            return None  # `open` says what is wrong
        return min(self.limit or count, count)

    def open(self, root: Path) -> None:
        """Map the files of the split, and hash the images that are asked for.

        Raises:
            DataError: If a file is missing, or is not what was published under its name, or
                `limit` is more images than there are.
        """
        super().open(root)
        self.path.bind(root)
        parts = self._read(self.path.files())
        for part in parts:
            self._require_labelled(part)
        self._parts = tuple(parts)
        self._ends = tuple(accumulate(len(part.labels) for part in parts))
        count = self._ends[-1]
        if self.limit is not None and self.limit > count:
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {count} images of "
                f"{self.path}; lower it or leave it out"
            )
        self._rows = tuple(self._row(index) for index in range(self.limit or count))

    def _require_labelled(self, part: Part) -> None:
        """Refuse a part that has not a class for each image.

        Raises:
            DataError: With the first image that has none.
        """
        require_as_many(part.file, part.images, part.labels)
        if not len(part.labels):
            raise DataError(f"{part.file}: expected images, found none; unpack it again")
        wrong = np.flatnonzero((part.labels < 0) | (part.labels >= len(self.class_names)))
        if len(wrong):
            raise DataError(
                f"{part.file}: expected labels of {len(self.class_names)} classes, image {wrong[0]} "
                f"has one that is none of them ({len(wrong)} such); it is another set"
            )

    def _place(self, index: int) -> tuple[Part, int]:
        """Return the part that holds an image of the split, and its number there."""
        at = bisect_right(self._ends, index)
        return self._parts[at], index - (self._ends[at - 1] if at else 0)

    def _row(self, index: int) -> IndexRow:
        part, number = self._place(index)
        values = np.ascontiguousarray(part.images[number])
        split, digits = self._named()
        return IndexRow(
            id=f"{split}/{index + self._parts[0].first:0{digits}d}",
            target=int(part.labels[number]),
            shape=(values.shape[0], values.shape[1], 1 if values.ndim == 2 else 3),
            content=sha256(values),
            group=part.groups[number] if part.groups else None,
            attributes=part.attributes[number] if part.attributes else {},
            pixels=(pixels_sha256(values),),
        )

    def _values(self, index: int) -> tuple[Array, str]:
        part, number = self._place(range(len(self._rows))[index])
        return part.images[number], part.file

    def describe(self) -> dict[str, Any]:
        """Return what was taken, where it comes from, and how many images were published."""
        source, published = self._source()
        return {
            "path": self.path.text,
            "n": len(self._rows),
            "split": self._named()[0],
            "files": [part.file.rpartition("/")[2] for part in self._parts],
            "images_in_files": self._ends[-1] if self._ends else 0,
            "images_published": published,
            "source": source,
        }


def require_as_many(where: str, images: Array, labels: Array) -> None:
    """Refuse images that have not a label each.

    Raises:
        DataError: With how many there are of both.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{where}: expected a label for each of {len(images)} images, got {len(labels)}; the "
            "files are of different sets or splits, or one is not whole"
        )
