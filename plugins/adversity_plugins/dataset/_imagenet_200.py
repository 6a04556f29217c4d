"""Image files in the folders of 200 classes of ImageNet, as ImageNet-R, -A and -O are published."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity.errors import DataError
from adversity_plugins.dataset._image_files import Found
from adversity_plugins.dataset._layout import Layout, images_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ImageNet200"]

_SYNSET = re.compile(r"n\d{8}")


class ImageNet200(Layout):
    """Images that lie as `WNID/NAME`, with 200 WordNet ids."""

    masked_when_published: ClassVar[bool] = True
    synsets_200: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str] = ""

    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many of each class, by name; all by default",
    )

    def _target(self, synset: str) -> int | None:
        """Return the class of an image by its folder."""
        return self.synsets_200.index(synset)

    def _said(self, synset: str, name: str) -> dict[str, str | float]:
        """Return the attributes of an image."""
        return {}

    def at_most(self, root: Path) -> int | None:
        """Return how many files there are that are named like images; they are not opened."""
        if not self._bound(root):
            return None
        try:
            return len(self._chosen(self.path.files()))
        except DataError:
            return None  # `open` says what is wrong

    def open(self, root: Path) -> None:
        """List, decode and hash the images.

        Raises:
            DataError: If the folder has another layout, or a class that is not among the 200.
        """
        super().open(root)
        self.path.bind(root)
        listing = self.path.listing()
        chosen = self._chosen(listing.files)
        found = [
            Found(
                id=f"{synset}/{name}",
                file=f"{self.path.text}/{synset}/{name}",
                target=self._target(synset),
                attributes=self._said(synset, name),
            )
            for synset, name in chosen
        ]
        rows = self._take(found, listing)
        self._facts = {
            "path": self.path.text,
            "n": len(rows),
            "folders": len({synset for synset, _ in chosen}),
            "quarantined": len(self.quarantined),
            "source": self.source,
            **self._facts,
        }

    def _chosen(self, files: Sequence[str]) -> list[tuple[str, str]]:
        """Return class and name of the images that are taken.

        Raises:
            DataError: If there is none, or one of another class.
        """
        taken = dict.fromkeys(self.synsets_200, 0)
        chosen = []
        for file in sorted(images_in(files)):
            parts = PurePosixPath(file).parts
            if len(parts) != 2 or not _SYNSET.fullmatch(parts[0]):
                continue
            synset, name = parts
            if synset not in taken:
                raise DataError(
                    f"{self.path}/{file}: {synset} is none of the 200 classes of {self.name}; is "
                    "it another set?"
                )
            if taken[synset] != self.limit:
                taken[synset] += 1
                chosen.append((synset, name))
        if not chosen:
            raise DataError(
                f"{self.path}: expected images as WNID/NAME, such as {self.synsets_200[0]}/0.jpg, "
                "found none; check `path`"
            )
        return chosen

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 200 WordNet ids, sorted, whichever of them are there."""
        return self.synsets_200

    @classmethod
    def _write(cls, folder: Path, names: Sequence[str]) -> None:
        """Write an image of each name into the folders of two classes."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(0)
        for synset in cls.synsets_200[3:5]:
            (folder / synset).mkdir(parents=True)
            for name in names:
                pixels: Any = random.integers(0, 256, (24, 28, 3), np.uint8)
                Image.fromarray(pixels).save(folder / synset / name)
