"""ImageNet-C as it is published: folders of JPEGs by corruption, severity and WordNet id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, get_args

from pydantic import Field, PrivateAttr, field_validator

from adversity import ProjectFolder
from adversity.errors import DataError
from adversity_plugins.dataset._corruptions import (
    BENCHMARK,
    Corruption,
    Severity,
    as_tuple,
    each_once,
)
from adversity_plugins.dataset._image_files import Found
from adversity_plugins.dataset._layout import Layout, images_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["ImageNetCFolder"]

_SYNSET = re.compile(r"n\d{8}")
_CORRUPTIONS = frozenset(get_args(Corruption))


class _Place(NamedTuple):
    """Where an image of the layout belongs."""

    corruption: str
    severity: int
    synset: str
    image: str
    file: str


class ImageNetCFolder(Layout):
    """ImageNet-C or Tiny ImageNet-C from its published folders, the extra corruptions as well.

    Images lie as `CORRUPTION/SEVERITY/WNID/NAME.JPEG`, such as
    `fog/3/n01440764/ILSVRC2012_val_00000293.JPEG`, which is also the id; `path` may be the folder
    that holds the corruptions, one above it (`weather/fog/...`), a corruption or a severity. The
    classes are the WordNet ids found, sorted, which is the order of ImageNet-1k. `group` is the
    clean image, `n01440764/ILSVRC2012_val_00000293`, so that intervals over several corruptions
    resample images and not their copies; the attributes are `corruption` and `severity`.

    Every corruption and severity must hold the same images: some that are missing in one would be
    another benchmark. `open` decodes each image once, a millisecond or so; one that is damaged is
    left out and listed.

    Reference:
        Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
        perturbations", 2019; files: doi 10.5281/zenodo.2235448 (ImageNet-C) and
        10.5281/zenodo.2536630 (Tiny ImageNet-C).
    """

    name: ClassVar[str] = "imagenet_c_folder"
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions "
        "and perturbations, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "imagenet-c"},
        {"path": "imagenet-c/weather", "corruption": "fog", "severity": [1, 5], "limit": 1},
    )

    path: ProjectFolder = Field(
        description="the folder with the corruptions, or a part of it, relative to the project"
    )
    corruption: Corruption | tuple[Corruption, ...] | None = Field(
        default=None,
        description="which corruption, or a list of some; else those of the benchmark's 15 that "
        "are there, without speckle_noise, gaussian_blur, spatter and saturate",
    )
    severity: Severity | tuple[Severity, ...] | None = Field(
        default=None, description="which severity, 1 to 5, or a list; else those that are there"
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many clean images by name, whose order is random; all by "
        "default",
    )

    _class_names: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("corruption", "severity")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        return each_once(value)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two corruptions of two images at two severities."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(0)
        for corruption in ("weather/fog", "noise/shot_noise"):
            for severity in (1, 5):
                for synset, number in (("n01440764", 293), ("n01443537", 236)):
                    place = folder / "imagenet-c" / corruption / str(severity) / synset
                    place.mkdir(parents=True)
                    pixels = random.integers(0, 256, (24, 24, 3), np.uint8)
                    Image.fromarray(pixels).save(place / f"ILSVRC2012_val_{number:08d}.JPEG")

    def at_most(self, root: Path) -> int | None:
        """Return how many files were asked for by their names; they are not opened."""
        if not self._bound(root):
            return None
        return len(self._chosen(list(self._places(self.path.files()))))

    def open(self, root: Path) -> None:
        """List, decode and hash the images that are asked for.

        Raises:
            DataError: If the folder has another layout, something asked for is missing, or a
                severity lacks images that another has.
        """
        super().open(root)
        self.path.bind(root)
        listing = self.path.listing()
        places = list(self._places(listing.files))
        self._require_asked(places)
        chosen = self._chosen(places)
        self._require_same_images(chosen)
        self._class_names = tuple(sorted({place.synset for place in chosen}))
        index = {name: number for number, name in enumerate(self._class_names)}
        found = [
            Found(
                id=f"{place.corruption}/{place.severity}/{place.synset}/{place.image}",
                file=f"{self.path.text}/{place.file}",
                target=index[place.synset],
                group=f"{place.synset}/{PurePosixPath(place.image).stem}",
                attributes={"corruption": place.corruption, "severity": place.severity},
            )
            for place in chosen
        ]
        rows = self._take(found, listing)
        self._facts = {
            "path": self.path.text,
            "n": len(rows),
            "clean_images": len({one.group for one in found}),
            "corruptions": sorted({place.corruption for place in chosen}),
            "severities": sorted({place.severity for place in chosen}),
            "other_images": len(places) - len(chosen),
            "quarantined": len(self.quarantined),
            "source": "ImageNet-C (Hendrycks and Dietterich, 2019)",
            **self._facts,
        }

    def _places(self, files: Sequence[str]) -> Iterator[_Place]:
        """Yield the images that lie as the layout has them."""
        for file in images_in(files):
            parts = PurePosixPath(self.path.text, file).parts[-4:]
            if len(parts) < 4:
                continue
            corruption, severity, synset, image = parts
            if (
                corruption in _CORRUPTIONS
                and severity in tuple("12345")
                and _SYNSET.fullmatch(synset)
            ):
                yield _Place(corruption, int(severity), synset, image, file)

    def _chosen(self, places: Sequence[_Place]) -> list[_Place]:
        """Return the images that are asked for: by corruption, severity and name."""
        corruptions = BENCHMARK if self.corruption is None else as_tuple(self.corruption)
        severities = range(1, 6) if self.severity is None else as_tuple(self.severity)
        some = [
            place
            for place in places
            if place.corruption in corruptions and place.severity in severities
        ]
        names = sorted({(place.image, place.synset) for place in some})
        taken = frozenset(names[: self.limit])
        return sorted(place for place in some if (place.image, place.synset) in taken)

    def _require_asked(self, places: Sequence[_Place]) -> None:
        """Refuse a folder without what is asked for.

        Raises:
            DataError: With what is there.
        """
        there = {(place.corruption, place.severity) for place in places}
        if not there:
            raise DataError(
                f"{self.path}: expected images as CORRUPTION/SEVERITY/WNID/NAME.JPEG, such as "
                "fog/3/n01440764/ILSVRC2012_val_00000293.JPEG, found none; check `path`"
            )
        corruptions = sorted({corruption for corruption, _ in there})
        asked = as_tuple(self.corruption) if self.corruption else tuple(corruptions)
        if self.corruption is None and not set(corruptions) & set(BENCHMARK):
            raise DataError(
                f"{self.path}: expected some of the benchmark's 15 corruptions, got "
                f"{', '.join(corruptions)}; name what is meant, `corruption: {corruptions[0]}`"
            )
        severities = as_tuple(self.severity) if self.severity else ()
        missing = [name for name in asked if name not in corruptions] + [
            f"{name} at severity {severity}"
            for name in asked
            for severity in severities
            if name in corruptions and (name, severity) not in there
        ]
        if missing:
            raise DataError(
                f"{self.path}: expected {', '.join(missing[:3])}, found the corruptions "
                f"{', '.join(corruptions)}; unpack what is missing, or leave it out"
            )

    def _require_same_images(self, chosen: Sequence[_Place]) -> None:
        """Refuse severities that hold other images than the rest, and a limit beyond them.

        Raises:
            DataError: With an image that is missing.
        """
        cells: dict[tuple[str, int], set[str]] = {}
        twice: set[tuple[str, int, str, str]] = set()
        for place in chosen:
            if place[:4] in twice:
                raise DataError(
                    f"{self.path}: {'/'.join(map(str, place[:4]))} is there twice, as {place.file} "
                    "the second time; keep one"
                )
            twice.add(place[:4])
            cell = cells.setdefault((place.corruption, place.severity), set())
            cell.add(f"{place.synset}/{place.image}")
        every = set().union(*cells.values())
        for (corruption, severity), images in sorted(cells.items()):
            missing = sorted(every - images)
            if missing:
                raise DataError(
                    f"{self.path}: {corruption} at severity {severity} lacks {len(missing)} of the "
                    f"{len(every)} images, such as {missing[0]}; unpack it again"
                )
        if self.limit is not None and self.limit > len(every):
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {len(every)} images "
                f"of {self.path}; lower it or leave it out"
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The WordNet ids of the images, sorted."""
        return self._class_names
