"""ObjectNet as it is published: things in odd places and poses, 113 of them as ImageNet has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFolder
from adversity.errors import DataError
from adversity_plugins.dataset._image_files import Found
from adversity_plugins.dataset._imagenet_synsets import SYNSETS
from adversity_plugins.dataset._json_files import json_object, text_in
from adversity_plugins.dataset._layout import Layout, images_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ObjectNet"]

_OBJECTS = "mappings/folder_to_objectnet_label.json"
_OVERLAP = "mappings/objectnet_to_imagenet_1k.json"
_NAMES = "mappings/imagenet_to_label_2012_v2"
_ORDER = "mappings/pytorch_to_imagenet_2012_id.json"


class ObjectNet(Layout):
    """ObjectNet: things at home, photographed from odd sides; the 113 classes that ImageNet has.

    `path` is the folder `objectnet-1.0` with `images/FOLDER/NAME.png` and `mappings/`, whose files
    say which of the 313 classes are ImageNet's. The others are left out, and counted. Often several
    of ImageNet's classes are one of these, a chair any of three, and any of them is right: a
    network of the 1 000 answers with `classes: data`. Accuracies are over the images of the 113
    classes alone; the authors' template divides by all images, which is a smaller number.

    Images are published with a red border, by which those that leak into a training set may be
    found. It is cut off: 2 pixels at each side, as in imagenet-testbed, since 1 leaves a trace.

    Reference:
        Barbu et al., "ObjectNet: a large-scale bias-controlled dataset for pushing the limits of
        object recognition models", 2019; files: https://objectnet.dev. Do not train on them.
    """

    name: ClassVar[str] = "objectnet"
    masked_when_published: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Barbu et al., ObjectNet: a large-scale bias-controlled dataset for pushing the limits of "
        "object recognition models, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "objectnet-1.0"},
        {"path": "objectnet-1.0", "limit": 1, "border": 0},
    )

    path: ProjectFolder = Field(
        description="the folder with images and mappings, relative to the project"
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many of each class, by name; all by default",
    )
    border: int = Field(
        default=2, ge=0, le=16, description="how many pixels are cut off at each side"
    )

    _members: dict[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two classes that ImageNet has and one that it has not, and the mappings."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(0)
        place = folder / "objectnet-1.0"
        for name in ("chair", "banana", "air_freshener"):
            (place / "images" / name).mkdir(parents=True)
            for number in (1, 2):
                pixels = random.integers(0, 256, (24, 28, 3), np.uint8)
                Image.fromarray(pixels).save(place / "images" / name / f"{number}.png")
        (place / "mappings").mkdir()
        labels = {"chair": "Chair", "banana": "Banana", "air_freshener": "Air freshener"}
        overlap = {"Chair": "name 423; name 559", "Banana": "name 954"}
        order = {str(at): at for at in range(len(SYNSETS))}
        for file, values in ((_OBJECTS, labels), (_OVERLAP, overlap), (_ORDER, order)):
            (place / file).write_text(json.dumps(values), encoding="utf-8")
        names = "".join(f"name {at}\n" for at in range(len(SYNSETS)))
        (place / _NAMES).write_text(names, encoding="utf-8")

    def at_most(self, root: Path) -> int | None:
        """Return how many files there are in the folders of the classes; they are not opened."""
        if not self._bound(root):
            return None
        try:
            return len(self._chosen(self.path.files())[0])
        except DataError:
            return None  # `open` says what is wrong

    def open(self, root: Path) -> None:
        """Read the mappings, decode and hash the images of the classes that ImageNet has.

        Raises:
            DataError: If a file is missing, or is not what was published under its name.
        """
        super().open(root)
        self.path.bind(root)
        listing = self.path.listing()
        chosen, others = self._chosen(listing.files)
        index = {name: at for at, name in enumerate(self._members)}
        found = [
            Found(id=file, file=f"{self.path.text}/images/{file}", target=index[label])
            for file, label in chosen
        ]
        rows = self._take(found, listing, border=self.border)
        self._facts = {
            "path": self.path.text,
            "n": len(rows),
            "classes": len(self._members),
            "images_of_classes_that_imagenet_lacks": others,
            "border_px": self.border,
            "quarantined": len(self.quarantined),
            "source": "ObjectNet (Barbu et al., 2019)",
            **self._facts,
        }

    def _chosen(self, files: Sequence[str]) -> tuple[list[tuple[str, str]], int]:
        """Return file and class of the images that are taken, and how many are of other classes.

        Raises:
            DataError: If a mapping is missing or wrong, or no image is there.
        """
        labels = json_object(self.path, _OBJECTS, files, "names", lambda one: isinstance(one, str))
        self._members = self._read_members(files)
        taken = dict.fromkeys(self._members, 0)
        chosen, others = [], 0
        for file in sorted(images_in(files)):
            parts = PurePosixPath(file).parts
            if len(parts) != 3 or parts[0] != "images" or parts[1] not in labels:
                continue
            label = labels[parts[1]]
            if label not in taken:
                others += 1
            elif taken[label] != self.limit:
                taken[label] += 1
                chosen.append((f"{parts[1]}/{parts[2]}", label))
        if not chosen:
            raise DataError(
                f"{self.path}: expected images as images/FOLDER/NAME.png, in folders that "
                f"{_OBJECTS} names, found none; check `path`"
            )
        return chosen, others

    def _read_members(self, files: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the WordNet ids that count as each class of ObjectNet, by its name.

        Raises:
            DataError: If a mapping is missing, or names what another does not have.
        """
        overlap = json_object(self.path, _OVERLAP, files, "names", lambda one: isinstance(one, str))
        order = json_object(self.path, _ORDER, files, "numbers", lambda one: type(one) is int)
        lines = [line.strip() for line in text_in(self.path, _NAMES, files).splitlines()]
        place = {str(number): at for at, number in order.items()}
        members = {}
        for label in sorted(overlap):
            found = []
            for name in overlap[label].split("; "):
                at = place.get(str(lines.index(name))) if name in lines else None
                if at is None or not at.isdecimal() or int(at) >= len(SYNSETS):
                    raise DataError(
                        f"{self.path}/{_OVERLAP}: expected classes that {_NAMES} and {_ORDER} have, "
                        f"got {name!r} for {label}; unpack the archive again"
                    )
                found.append(SYNSETS[int(at)])
            members[label] = tuple(found)
        return members

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that ImageNet has, 113 of the published set, by ObjectNet's names, sorted."""
        return tuple(self._members)

    @property
    def class_members(self) -> Mapping[str, tuple[str, ...]]:
        """Which of ImageNet's 1 000 classes count as each, by WordNet id."""
        return self._members
