"""Images that lie in arrays and not in files of their own: each hashed when the set is opened."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, PrivateAttr

from adversity import Dataset, ProjectFolder
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity_plugins.dataset._cifar import sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mapped", "require_same"]

Array = np.ndarray[Any, Any]


class Mapped(Dataset):
    """Images that are parts of arrays of a folder, most of them mapped into memory.

    A data set says in `_rows` what it knows of each image, and in `_values` where it lies. What is
    given is a copy, and refused if it is no longer what was hashed: a mapped file shows what is
    written to it.
    """

    path: ProjectFolder = Field(description="the folder with the files, relative to the project")

    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())

    @abstractmethod
    def _values(self, index: int) -> tuple[Array, str]:
        """Return image `index`, a view `[H, W]` or `[H, W, 3]` uint8, and the file it lies in."""

    def _partner(self, row: IndexRow) -> Array | None:
        """Return the clean partner of an image; there is none."""
        return None

    def location(self) -> str:
        """Return the folder: DVC hashes it."""
        return self.path.text

    def __len__(self) -> int:
        """Return the number of images that were taken."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return ids, labels, and hashes of the images' values."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return image `index`, `[H, W]` or `[H, W, 3]` uint8.

        Raises:
            DataError: If the file changed since `open`.
        """
        row = self._rows[index]
        values, where = self._values(index)
        image = np.array(values, order="C")
        require_same(image, row.content, where)
        return Sample(
            image=image,
            target=row.target,
            id=row.id,
            reference=self._partner(row),
            group=row.group,
            attributes=row.attributes,
        )


def require_same(values: Array, content: str, where: str) -> None:
    """Refuse values that are no longer those that were hashed.

    Raises:
        DataError: If the file was written to.
    """
    if sha256(values) != content:
        raise DataError(f"{where} changed during the run; run again")
