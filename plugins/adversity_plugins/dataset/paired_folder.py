"""Degraded images and their clean partners, told by a rule of names or by a published layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from adversity import ProjectFolder
from adversity.errors import DataError
from adversity.numerals import number_in
from adversity_plugins.dataset._image_files import Found
from adversity_plugins.dataset._layout import Layout, images_in
from adversity_plugins.dataset._name_rule import NameRule, fields_of, rule_fault
from adversity_plugins.dataset._pair_layouts import LAYOUTS, LayoutName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["PairedFolder"]


class _Pair(NamedTuple):
    """A degraded image, its clean one (None where it is to have none), and what names say."""

    file: str
    clean: str | None
    fields: dict[str, str]


class PairedFolder(Layout):
    """Degraded images with their clean partners, by a rule of names or in a published layout.

    A rule is a path inside the folder, without the suffix, with names in braces: `degraded:
    "hazy/{scene}_{level}"` and `clean: "clear/{scene}"` pair `hazy/0001_3.jpg` with
    `clear/0001.png`. `layout` has such rules for published sets. Images of any format are found,
    and the two may differ in it, and in size where one is to be enlarged.

    What stands in braces becomes an attribute of the sample, a number where all are. `group` in
    braces is the group; without one it is the clean image, so that intervals resample scenes and
    not their degraded versions. `class` in braces is the class; without one there are no labels.
    Ids are paths inside the folder. An image whose partner is missing or damaged is left out and
    listed. Without `clean`, images have no partners.
    """

    name: ClassVar[str] = "paired_folder"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "sots", "layout": "reside_sots_outdoor"},
        {"path": "pairs", "degraded": "{class}/{scene}-{level}", "clean": "good/{scene}"},
        {"path": "sots/clear", "layout": "images", "limit": 1},
    )

    path: ProjectFolder = Field(description="the folder with both, relative to the project")
    layout: LayoutName | None = Field(
        default=None, description="a published layout, in place of `degraded` and `clean`"
    )
    degraded: str | None = Field(
        default=None,
        description='where the degraded images lie, such as "hazy/{scene}_{level}": a path without '
        "suffix",
    )
    clean: str | None = Field(
        default=None, description='where the clean one of each lies, such as "clear/{scene}"'
    )
    limit: int | None = Field(
        default=None, ge=1, description="take the first so many by name; all by default"
    )

    _class_names: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("degraded", "clean")
    @classmethod
    def _is_a_rule(cls, value: str | None) -> str | None:
        fault = None if value is None else rule_fault(value)
        if fault is not None:
            raise ValueError(fault)
        return value

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        own = [name for name in ("degraded", "clean") if getattr(self, name) is not None]
        if (self.layout is None) == (self.degraded is None) or (self.layout and own):
            raise ValueError("give either `layout`, or `degraded` and, for pairs, `clean`")
        unknown = fields_of(self.clean or "") - fields_of(self.degraded or "")
        if self.clean is not None and unknown:
            raise ValueError(
                f"clean: {', '.join(sorted(unknown))} must stand in `degraded` as well, got "
                f"{self.clean!r} and {self.degraded!r}"
            )
        return self

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two scenes with two hazy versions each, and one class of another rule's."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(0)

        def paint(file: str, size: int = 20) -> None:
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 256, (size, size, 3), np.uint8)
            Image.fromarray(pixels).save(path)

        for scene in ("0001", "0002"):
            paint(f"sots/clear/{scene}.png")
            paint(f"pairs/good/{scene}.bmp", 32)
            for beta in ("0.08", "0.2"):
                paint(f"sots/hazy/{scene}_0.8_{beta}.png")
                paint(f"pairs/rain/{scene}-{beta}.png", 16)

    def _rules(self) -> list[tuple[NameRule, list[NameRule]]]:
        """Return the rules of the degraded images, each with those of their clean ones."""
        given: Sequence[tuple[str, tuple[str, ...]]]
        if self.layout is not None:
            given = LAYOUTS[self.layout].rules
        else:
            given = [(str(self.degraded), () if self.clean is None else (self.clean,))]
        return [(NameRule(one), [NameRule(other) for other in clean]) for one, clean in given]

    def at_most(self, root: Path) -> int | None:
        """Return how many files the rules fit; they are not opened."""
        if not self._bound(root):
            return None
        count = len(self._pairs(self.path.files())[0])
        return min(self.limit or count, count)

    def open(self, root: Path) -> None:
        """Find the pairs, decode and hash the images.

        Raises:
            DataError: If no file fits the rule, none has a partner, or `limit` is more than there
                are.
        """
        super().open(root)
        self.path.bind(root)
        listing = self.path.listing()
        pairs, alone = self._pairs(listing.files)
        self._require_some(pairs, alone)
        pairs = pairs[: self.limit]
        self._class_names = tuple(sorted({p.fields["class"] for p in pairs if "class" in p.fields}))
        rows = self._take(self._found(pairs), listing, alone)
        self._facts = {
            "path": self.path.text,
            "n": len(rows),
            "clean_images": len({row.reference for row in rows} - {None}),
            "quarantined": len(self.quarantined),
            "layout": self.layout or f"{self.degraded} and {self.clean}",
            **({} if self.layout is None else {"source": LAYOUTS[self.layout].source}),
            **self._facts,
        }

    def _pairs(self, files: Sequence[str]) -> tuple[list[_Pair], list[tuple[str, str]]]:
        """Return the pairs by name, and the images without a partner, each with the reason."""
        images = images_in(files)
        by_stem: dict[str, list[str]] = defaultdict(list)
        for file in images:
            by_stem[PurePosixPath(file).with_suffix("").as_posix()].append(file)
        pairs, alone = [], []
        rules = self._rules()
        for file in images:
            for degraded, clean in rules:
                fields = degraded.match(file)
                if fields is None:
                    continue
                places = [one.filled(fields) for one in clean]
                there = [other for place in places for other in by_stem.get(place, [])]
                if len(there) == 1 or not clean:
                    pairs.append(_Pair(file, there[0] if there else None, fields))
                elif there:
                    alone.append((file, f"has several clean images: {', '.join(there)}; keep one"))
                else:
                    alone.append((file, f"has no clean image {' or '.join(places)}"))
                break
        return pairs, alone

    def _require_some(self, pairs: Sequence[_Pair], alone: Sequence[tuple[str, str]]) -> None:
        """Refuse a folder without a pair, and a limit beyond them.

        Raises:
            DataError: With what the rule is, and an image that has no partner.
        """
        if not pairs:
            rules = " or ".join(rule.text for rule, _ in self._rules())
            such = f"; {alone[0][0]} {alone[0][1]}" if alone else "; check `path`"
            raise DataError(f"{self.path}: expected images as {rules}, found no usable one{such}")
        if self.limit is not None and self.limit > len(pairs):
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {len(pairs)} images "
                f"of {self.path}; lower it or leave it out"
            )

    def _found(self, pairs: Sequence[_Pair]) -> list[Found]:
        """Return the samples: numbers where all that stands in a brace are some."""
        names = sorted({name for pair in pairs for name in pair.fields} - {"group", "class"})
        numeric = [
            name
            for name in names
            if all(number_in(pair.fields.get(name, "0")) is not None for pair in pairs)
        ]
        index = {name: number for number, name in enumerate(self._class_names)}
        return [
            Found(
                id=pair.file,
                file=f"{self.path.text}/{pair.file}",
                target=index.get(pair.fields.get("class", "")),
                clean=None if pair.clean is None else f"{self.path.text}/{pair.clean}",
                group=pair.fields.get("group", pair.clean),
                attributes={
                    name: float(text) if name in numeric else text
                    for name, text in pair.fields.items()
                    if name in names
                },
            )
            for pair in pairs
        ]

    @property
    def class_names(self) -> tuple[str, ...]:
        """What stands for `class` in the rule, sorted; none without one."""
        return self._class_names
