"""Data sets of image files that lie in a published layout: what they share beside `ImageFiles`."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from adversity import Dataset, ProjectFolder
from adversity.errors import DataError
from adversity_plugins.dataset._image_files import ImageFiles
from adversity_plugins.dataset._labels import ignored_facts
from adversity_plugins.dataset._read_images.decode import IMAGE_SUFFIXES
from adversity_plugins.dataset._read_images.leftovers import is_of_a_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from adversity.contracts.values import IndexRow, Sample
    from adversity.project import Listing
    from adversity_plugins.dataset._image_files import Found

__all__ = ["Layout", "images_in"]


class Layout(Dataset):
    """Image files of a folder, which `open` finds and hands to `_take`."""

    path: ProjectFolder = Field(description="the folder with the images, relative to the project")

    _images: ImageFiles | None = PrivateAttr(default=None)
    _alone: tuple[tuple[str, str], ...] = PrivateAttr(default=())
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)

    def location(self) -> str:
        """Return the folder: DVC hashes it."""
        return self.path.text

    def _bound(self, root: Path) -> bool:
        """Say whether the folder is there, and find it from now on."""
        there = (root / self.path.text).is_dir()
        if there:
            self.path.bind(root)
        return there

    def _take(
        self,
        found: Sequence[Found],
        listing: Listing,
        alone: Iterable[tuple[str, str]] = (),
        *,
        border: int = 0,
    ) -> Sequence[IndexRow]:
        """Decode and hash the images, and return what is known of those that can be used.

        Args:
            found: The samples.
            listing: What lies in the folder.
            alone: Images that are no samples, each with the reason.
            border: Pixels that are cut off at each side of each image.

        Raises:
            DataError: If no image can be used.
        """
        self._alone = tuple(alone)
        self._images = ImageFiles(self.path.root, found, self.path.text, border=border)
        self._facts = {
            **self._images.facts,
            **(ignored_facts(listing.ignored) if listing.ignored else {}),
        }
        return self._images.rows

    def _opened(self) -> ImageFiles:
        if self._images is None:
            raise DataError(f"data set {self.name!r} was not opened; call open(root) first")
        return self._images

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Images left out, each with the reason."""
        return tuple(sorted([*self._opened().quarantined, *self._alone]))

    def __len__(self) -> int:
        """Return the number of usable images."""
        return len(self._opened().rows)

    def index(self) -> Sequence[IndexRow]:
        """Return what decoding every image once has shown."""
        return self._opened().rows

    def item(self, index: int) -> Sample:
        """Return image `index`, with its clean partner where it has one.

        Raises:
            DataError: If a file changed since `open`.
        """
        return self._opened().sample(index)

    def describe(self) -> dict[str, Any]:
        """Return counts and the source for the report."""
        return dict(self._facts)


def images_in(files: Sequence[str]) -> list[str]:
    """Return the files that are named like images, without what a system leaves behind."""
    return [
        file
        for file in files
        if PurePosixPath(file).suffix.lower() in IMAGE_SUFFIXES and not is_of_a_system(file)
    ]
