"""ExDark: photographs taken in the dark, by class, with the kind of light each was taken in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from adversity import ProjectFile, ProjectFolder
from adversity.errors import DataError
from adversity.project import read_regular
from adversity_plugins.dataset._image_files import Found
from adversity_plugins.dataset._layout import Layout, images_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ExDark"]

_TWELVE = "Bicycle Boat Bottle Bus Car Cat Chair Cup Dog Motorbike People Table"
_CLASSES = tuple(_TWELVE.split())
_TEN = "low ambient object single weak strong screen window shadow twilight"
_LIGHTS = tuple(_TEN.split())
_PLACES = ("indoor", "outdoor")
_SPLITS = ("train", "validation", "test")
_COLUMNS = (("class", _CLASSES), ("light", _LIGHTS), ("place", _PLACES), ("split", _SPLITS))


class _Entry(NamedTuple):
    """What the list says of an image."""

    label: str
    light: str
    place: str
    split: str


class ExDark(Layout):
    """ExDark: 7 363 photographs of 12 classes taken in the dark, with the light of each.

    Images lie in class folders, `Bicycle/2015_00001.png`, as they are published; the list
    `imageclasslist.txt`, which is published beside them, says of each its class, its light, whether
    it is indoors, and its part of the authors' experiments. The attributes are `light` (low,
    ambient, object, single, weak, strong, screen, window, shadow, twilight) and `place`, for `by:
    light`. Boxes are not read. The photographs are dark as they are: write `images: degraded`.

    Reference:
        Loh and Chan, "Getting to know low-light images with the Exclusively Dark dataset", 2019;
        layout and list as in cs-chan/Exclusively-Dark-Image-Dataset.
    """

    name: ClassVar[str] = "exdark"
    reference: ClassVar[str] = (
        "Loh and Chan, Getting to know low-light images with the Exclusively Dark dataset, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "ExDark", "listed": "imageclasslist.txt", "split": "all"},
        {"path": "ExDark", "listed": "imageclasslist.txt", "limit": 1},
    )

    path: ProjectFolder = Field(
        description="the folder with the class folders, relative to the project"
    )
    listed: ProjectFile = Field(
        description="the authors' `imageclasslist.txt`, relative to the project"
    )
    split: Literal["train", "validation", "test", "all"] = Field(
        default="test", description="which part of the authors' experiments"
    )
    limit: int | None = Field(
        default=None, ge=1, description="take the first so many of each class; all by default"
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write three images, one of them in the test set, and the list."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(0)
        lines = ["Name | Class | Light | In/Out | Train/Val/Test"]
        for number, (name, rest) in enumerate((("Bicycle", "1 2 1 1"), ("Boat", "2 6 2 3"))):
            (folder / "ExDark" / name).mkdir(parents=True)
            file = f"2015_{number:05d}.png"
            pixels = random.integers(0, 60, (20, 24, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "ExDark" / name / file)
            lines.append(f"{file} {rest}")
        (folder / "imageclasslist.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def at_most(self, root: Path) -> int | None:
        """Return how many files there are that are named like images; they are not opened."""
        if not self._bound(root):
            return None
        return len(images_in(self.path.files()))

    def open(self, root: Path) -> None:
        """Read the list, and decode the images of the part.

        Raises:
            DataError: If the list is none, an image stands in another class's folder than the list
                says, or none is left.
        """
        super().open(root)
        self.path.bind(root)
        self.listed.bind(root)
        entries = self._entries()
        listing = self.path.listing()
        found, alone = self._found(images_in(listing.files), entries)
        if not found:
            such = f"; {alone[0][0]} {alone[0][1]}" if alone else ""
            raise DataError(
                f"{self.path}: expected images of the {self.split} set as CLASS/NAME, with the "
                f"classes {', '.join(_CLASSES)}, found none that {self.listed} lists{such}"
            )
        rows = self._take(found, listing, alone)
        self._facts = {
            "path": self.path.text,
            "n": len(rows),
            "split": self.split,
            "listed_in_split": sum(self.split in (one.split, "all") for one in entries.values()),
            "quarantined": len(self.quarantined),
            "source": "ExDark (Loh and Chan, 2019)",
            **self._facts,
        }

    def _entries(self) -> dict[str, _Entry]:
        """Read the list: a name and four numbers a line, under a head.

        Raises:
            DataError: If a line is none of those, with its number.
        """
        try:
            lines = read_regular(self.listed.path).decode("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.listed}: cannot be read as UTF-8 text ({error})") from error
        entries: dict[str, _Entry] = {}
        for number, line in enumerate(lines[1:], start=2):
            if not line.strip():
                continue
            name, *given = line.split()
            fault = _fault(given)
            if fault is None and name in entries:
                fault = f"{name} stands there twice"
            if fault is not None:
                raise DataError(f"{self.listed}:{number}: {fault}; fetch the authors' list again")
            said = [
                words[int(value) - 1] for value, (_, words) in zip(given, _COLUMNS, strict=True)
            ]
            entries[name] = _Entry(*said)
        return entries

    def _found(
        self, files: Sequence[str], entries: Mapping[str, _Entry]
    ) -> tuple[list[Found], list[tuple[str, str]]]:
        """Return the samples of the part, and images that the list does not know.

        Raises:
            DataError: If folder and list say different classes.
        """
        found, alone, taken = [], [], dict.fromkeys(_CLASSES, 0)
        for file in files:
            folder, _, name = file.rpartition("/")
            entry = entries.get(name)
            if entry is None or folder not in taken:
                alone.append((file, f"is not in {self.listed}, or in no class's folder"))
                continue
            if entry.label != folder:
                raise DataError(
                    f"{self.path}/{file}: expected it in the folder {entry.label}, as "
                    f"{self.listed} says; unpack the images again"
                )
            if self.split in (entry.split, "all") and taken[folder] != self.limit:
                taken[folder] += 1
                found.append(
                    Found(
                        id=file,
                        file=f"{self.path.text}/{file}",
                        target=_CLASSES.index(folder),
                        attributes={"light": entry.light, "place": entry.place},
                    )
                )
        return found, alone

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 12 classes, in the order of the authors' numbers."""
        return _CLASSES


def _fault(given: Sequence[str]) -> str | None:
    """Say why what follows a name in the list is not class, light, place and split; or None."""
    if len(given) != len(_COLUMNS):
        return f"expected a name and {len(_COLUMNS)} numbers, got {len(given)} values after it"
    for value, (column, words) in zip(given, _COLUMNS, strict=True):
        if not (value.isdecimal() and len(value) < 3 and 1 <= int(value) <= len(words)):
            return f"expected a {column} from 1 to {len(words)}, got {value!r}"
    return None
