"""A data set that draws its images on demand: any number, no file, no memory.

`memory.py` installs it as a third party would, through an entry point.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from adversity import Dataset, hookimpl
from adversity.contracts.values import IndexRow, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence


class GeneratedImages(Dataset):
    """Random 32 x 32 images in colour, the brighter the higher their class."""

    name: ClassVar[str] = "generated_images"
    reference: ClassVar[str] = "made for benchmarks/memory.py"

    count: int = Field(default=100, ge=1, description="how many images")
    first: int = Field(default=0, ge=0, description="the number of the first one")
    classes: int = Field(default=2, ge=2, description="how many classes")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, from dark to bright."""
        return tuple(f"brightness_{k}" for k in range(self.classes))

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def index(self) -> Sequence[IndexRow]:
        """Return the rows without drawing an image."""
        numbers = range(self.first, self.first + self.count)
        return [
            IndexRow(
                _id(i), i % self.classes, (32, 32, 3), hashlib.sha256(_id(i).encode()).hexdigest()
            )
            for i in numbers
        ]

    def item(self, index: int) -> Sample:
        """Draw an image, `[32, 32, 3]` uint8, always the same for its number."""
        number = self.first + index
        target = number % self.classes
        low = 128 * target // (self.classes - 1)
        pixels = np.random.default_rng(number).integers(low, low + 128, (32, 32, 3), np.uint8)
        return Sample(image=pixels, target=target, id=_id(number))


def _id(index: int) -> str:
    return f"generated-{index:06d}"


@hookimpl
def adversity_datasets() -> list[type[Dataset]]:
    """Announce the data set."""
    return [GeneratedImages]
