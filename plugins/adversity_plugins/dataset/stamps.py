"""Photographed objects on backgrounds that do not belong to them: what does a network look at?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from adversity import Asset, Dataset, ProjectFolder
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset._corruptions import as_tuple, each_once
from adversity_plugins.dataset._cut_outs import (
    plain,
    read_background,
    read_cut_out,
    shrunk,
    with_background,
)
from adversity_plugins.dataset._stamp_classes import STAMP_CLASSES
from adversity_plugins.dataset._stamp_files import BACKGROUNDS, OBJECTS, PHOTOS, STAMPS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Stamps"]

Array = np.ndarray[Any, Any]
Background = Literal[
    "white", "grey", "black", "noise", "dune", "green_meadow", "rain_drops", "storm"
]
_BACKGROUNDS: tuple[Background, ...] = get_args(Background)
_PHOTO_OF = {
    "dune": "Dune.jpg",
    "green_meadow": "GreenMeadow.jpg",
    "rain_drops": "RainDrops.jpg",
    "storm": "Storm.jpg",
}
_MEND = "fetch the right ones with `adversity assets fetch dataset/stamps` and leave `path` out"


class Stamps(Dataset):
    """101 photographed objects of 87 ImageNet classes, each on 8 backgrounds, with their masks.

    The objects are cut-outs that come with the drawing program Tux Paint, named and described by
    their makers; which class of ImageNet each is of is a table of ours (`_stamp_classes.py`). They
    stand in the middle of a square, on white, grey, black, noise and four photographs, with
    nothing else changed: what differs between backgrounds is what the network makes of them. Ids
    are `animals/birds/hen on white`, the group is the object, the attribute `background` for
    `by: background`. `mask(index)` is the object's alpha. Labels are WordNet ids.

    The files are those of two Debian packages, GPL-2 and (photographs) GPL-2+, 208 MB, which
    `adversity assets fetch dataset/stamps` brings; or give the folder in which yours lie, `path`.

    Reference:
        Kendrick and others, Tux Paint stamps, 2002 to 2022. Objects on foreign backgrounds as a
        test: Xiao et al., "Noise or signal: the role of image backgrounds in object recognition",
        2021; there the objects were cut out of ImageNet itself.
    """

    name: ClassVar[str] = "stamps"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = "Kendrick and others, Tux Paint stamps, 2002 to 2022"
    assets: ClassVar[tuple[Asset, ...]] = (OBJECTS, BACKGROUNDS)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "share", "size": 32},
        {"path": "share", "size": 40, "background": "dune", "share": 1.0, "limit": 3},
    )

    path: ProjectFolder | None = Field(
        default=None,
        description="a folder like `usr/share` of the two packages, in the project; none: as fetched",
    )
    background: Background | tuple[Background, ...] = Field(
        default=_BACKGROUNDS, description="which background, or a list of some"
    )
    size: int = Field(default=224, ge=16, le=1024, description="height and width, in pixels")
    share: float = Field(
        default=0.8, gt=0, le=1, description="the object's longer side, as a share of `size`"
    )
    limit: int | None = Field(
        default=None, ge=1, le=101, description="take the first so many objects; all by default"
    )

    _objects: tuple[tuple[Array, Array], ...] = PrivateAttr(default=())
    _behind: dict[str, Array] = PrivateAttr(default_factory=dict)
    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())

    @field_validator("background")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        return each_once(value)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a small blob for each stamp, and four small photographs."""
        from PIL import Image

        random = np.random.default_rng(0)
        for stamp in STAMP_CLASSES:
            file = folder / "share" / STAMPS / f"{stamp}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            blob = random.integers(0, 256, (8, 12, 4), np.uint8)
            blob[2:6, 2:10, 3] = 255
            Image.fromarray(blob).save(file)
        (folder / "share" / PHOTOS).mkdir(parents=True)
        for photo in _PHOTO_OF.values():
            pixels = random.integers(0, 256, (40, 60, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "share" / PHOTOS / photo)

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return the packages of which files are read: none with a `path`."""
        if self.path is not None:
            return ()
        photographed = any(name in _PHOTO_OF for name in as_tuple(self.background))
        return (OBJECTS, BACKGROUNDS) if photographed else (OBJECTS,)

    def at_most(self, root: Path) -> int:
        """Return objects x backgrounds."""
        return (self.limit or len(STAMP_CLASSES)) * len(as_tuple(self.background))

    def open(self, root: Path) -> None:
        """Read the objects and backgrounds, and hash what each makes on each.

        Raises:
            DataError: If the folder is not there, or not whole.
            WeightsError: If the packages were not fetched.
        """
        super().open(root)
        given = self._given(root)
        stamps = list(STAMP_CLASSES)[: self.limit]
        self._objects = tuple(
            shrunk(
                read_cut_out(self._place(OBJECTS, f"{STAMPS}/{stamp}.png", given), stamp),
                self.size,
                self.share,
            )
            for stamp in stamps
        )
        self._behind = {name: self._square(name, given) for name in as_tuple(self.background)}
        index = {name: number for number, name in enumerate(self.class_names)}
        rows = []
        for number, stamp in enumerate(stamps):
            for name in self._behind:
                digest = pixels_sha256(self._image(number, name))
                rows.append(
                    IndexRow(
                        id=f"{stamp} on {name}",
                        target=index[STAMP_CLASSES[stamp]],
                        shape=(self.size, self.size, 3),
                        content=digest,
                        group=stamp,
                        attributes={"background": name},
                        pixels=(digest,),
                    )
                )
        self._rows = tuple(rows)

    def _given(self, root: Path) -> frozenset[str] | None:
        """Return the files in the folder that was given; None where none was.

        Raises:
            DataError: If it is not there.
        """
        if self.path is None:
            return None
        self.path.bind(root)
        fault = self.path.fault(self.path.root)
        if fault is not None:
            raise DataError(f"{fault}; {_MEND}")
        return frozenset(self.path.files())

    def _place(self, asset: Asset, file: str, given: frozenset[str] | None) -> Path:
        """Return where a file of `usr/share` lies.

        Raises:
            DataError: If it is not in the folder that was given.
            WeightsError: If it was not fetched, or is another.
        """
        if self.path is None or given is None:
            return asset.path(f"usr/share/{file}", "dataset/stamps")
        if file not in given:
            raise DataError(
                f"{self.path}/{file}: expected the file of a Debian package, found none; {_MEND}"
            )
        return self.path.root / self.path.text / file

    def _square(self, name: str, given: frozenset[str] | None) -> Array:
        """Return a background, `[size, size, 3]` float32."""
        if name not in _PHOTO_OF:
            return plain(name, self.size)
        file = f"{PHOTOS}/{_PHOTO_OF[name]}"
        return read_background(self._place(BACKGROUNDS, file, given), file, self.size)

    def _image(self, number: int, background: str) -> Array:
        return with_background(*self._objects[number], self._behind[background])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The WordNet ids of the 87 classes, sorted."""
        return tuple(sorted(set(STAMP_CLASSES.values())))

    def __len__(self) -> int:
        """Return objects x backgrounds."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return what was read when the data set was opened."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return object and background `index`, `[size, size, 3]` uint8."""
        row = self._rows[index]
        number = range(len(self._rows))[index] // len(self._behind)
        image = self._image(number, str(row.attributes["background"]))
        return Sample(image, row.target, row.id, group=row.group, attributes=row.attributes)

    def mask(self, index: int) -> Array:
        """Return how much of each pixel the object of sample `index` covers.

        Returns:
            `[size, size]` float32 in [0, 1].
        """
        number = range(len(self._rows))[index] // len(self._behind)
        alpha: Array = self._objects[number][1].copy()
        return alpha

    def describe(self) -> dict[str, Any]:
        """Return what was taken, source and licence for the report."""
        return {
            "path": self.path.text if self.path is not None else "as fetched from Debian",
            "n": len(self._rows),
            "objects": len(self._objects),
            "backgrounds": list(self._behind),
            "size": self.size,
            "share": self.share,
            "source": "Tux Paint stamps and MATE backgrounds, as Debian packages them",
            "licence": "GPL-2",
        }
