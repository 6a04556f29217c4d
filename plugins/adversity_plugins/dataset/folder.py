"""A folder of labelled images: class folders, or a CSV file with the labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, field_validator, model_validator

from adversity import Dataset, ProjectFolder
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity.file_names import same_name
from adversity.project import text_fault
from adversity_plugins.dataset._folder_rows import (
    by_content,
    columns_fault,
    file_of,
    listed,
    note,
    require_some,
    require_visible,
    row_of,
    target_of,
    targets_in,
)
from adversity_plugins.dataset._labels import Labelled, from_csv, from_folders, ignored_facts
from adversity_plugins.dataset._read_images import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Folder"]

_REMEMBERED_BYTES = 64 * 2**20


class Folder(Dataset):
    """Images in a folder, labelled by class folders or by a CSV file, with classes or numbers.

    `open` reads and decodes every image once, in the order of the ids: what cannot be
    decoded to the last pixel is left out and listed before any number depends on it. Small
    data sets stay decoded in memory; of larger ones an image is decoded again when used,
    and refused if its bytes changed.

    Ids are paths inside the folder with forward slashes, sorted, or with `ids: content` the start of
    the SHA-256 of the pixels (equal images are numbered in the order of their paths). Hidden files, files that are no
    images, what systems leave behind, and what `.dvcignore` names are no samples; the report
    counts them. The folder may be a link to another disk, if this machine permits it. Links that
    lead out of the folder are refused, except those that DVC makes into its cache, and so is
    whatever is neither file nor folder. How images are decoded: `decode.py`.

    With `references`, each image has a clean partner: the file of the same path in that folder,
    of any size. An image that has none there, or one that cannot be read, is left out and listed.
    """

    name: ClassVar[str] = "folder"

    path: ProjectFolder = Field(description="the folder, relative to the project")
    labels: str | None = Field(
        default=None,
        description="a CSV file inside the folder with columns file, label and optionally group; "
        "without it every sub-folder is a class",
    )
    classes: tuple[str, ...] | None = Field(
        default=None, description="the allowed classes in order; without it, those found, sorted"
    )
    targets: tuple[str, ...] | None = Field(
        default=None,
        description="columns of the CSV file with numbers to be estimated, in place of label; then "
        "there are no classes",
    )
    unlabelled: Literal["keep"] | None = Field(
        default=None,
        description="keep: a row of the CSV file may have no label; else it is refused",
    )
    background: decode.Background = Field(
        default="white", description="what transparent pixels are laid on"
    )
    references: ProjectFolder | None = Field(
        default=None,
        description="a folder beside it with the clean image of each, under the same path",
    )

    ids: Literal["path", "content"] = Field(
        default="path",
        description="what a sample is known by: its path in the folder, or its pixels, so that one "
        "that is renamed or moved to another class stays the same sample",
    )

    _project: Path = PrivateAttr(default=Path())
    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())
    _class_names: tuple[str, ...] = PrivateAttr(default=())
    _quarantined: tuple[tuple[str, str], ...] = PrivateAttr(default=())
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)
    _decoded: dict[Path, np.ndarray[Any, Any]] = PrivateAttr(default_factory=dict)

    @field_validator("labels")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        fault = None if value is None else text_fault(value)
        if fault is not None:
            raise ValueError(fault.replace("the project", "the data set"))
        return value

    @field_validator("classes")
    @classmethod
    def _each_class_once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        names = None if value is None else tuple(map(same_name, value))
        if names is not None and (not names or len(set(names)) < len(names)):
            raise ValueError(f"must name every class once, got {list(names)}")
        return names

    @model_validator(mode="after")
    def _numbers_come_from_a_file(self) -> Self:
        fault = columns_fault(self.targets, self.labels, self.classes)
        if fault is not None:
            raise ValueError(fault)
        return self

    def location(self) -> str:
        """Return the folder: DVC hashes it."""
        return self.path.text

    def at_most(self, root: Path) -> int | None:
        """Return how many files there are that are named like images; they are not opened."""
        if not (root / self.path.text).is_dir():
            return None
        self.path.bind(root)
        suffixes = (PurePosixPath(file).suffix.lower() for file in self.path.listing().files)
        return sum(suffix in decode.IMAGE_SUFFIXES for suffix in suffixes)

    def open(self, root: Path) -> None:
        """List, label, decode and hash the images.

        Raises:
            DataError: If the folder is missing, a label is wrong, a link leads outside, something
                is no regular file, or no image can be used.
        """
        super().open(root)
        self.path.bind(root)
        self._project = self.path.root
        where = self.path.text
        partners = None if self.references is None else self._partners(root, self.references)
        listing = self.path.listing()
        if self.labels is None:
            labelled = from_folders(listing.files, where=where, classes=self.classes)
        else:
            file = PurePosixPath(self.labels).as_posix()
            require_visible(file, listing, where)
            labelled = from_csv(
                self._project / where / file,
                listing.files,
                where=f"{where}/{file}",
                classes=self.classes,
                unlabelled=self.unlabelled == "keep",
                targets=self.targets or (),
            )
        if listing.ignored:
            left_out = ignored_facts(listing.ignored)
            labelled = replace(labelled, facts={**labelled.facts, **left_out})
        self._read(self._project / where, labelled, partners)

    def _partners(self, root: Path, references: ProjectFolder) -> frozenset[str]:
        """List the clean images; they must lie apart from those whose partners they are.

        Raises:
            DataError: If one folder is inside the other.
        """
        references.bind(root)
        own, other = PurePosixPath(self.path.text), PurePosixPath(references.text)
        if own.is_relative_to(other) or other.is_relative_to(own):
            raise DataError(
                f"references: expected a folder beside {own}, got {other}: its images would be "
                "samples themselves; put them into a folder of their own"
            )
        return frozenset(references.files())

    def _read(self, folder: Path, labelled: Labelled, partners: frozenset[str] | None) -> None:
        index = {name: i for i, name in enumerate(labelled.class_names)}
        rows: list[IndexRow] = []
        quarantined = list(labelled.quarantined)
        laid = 0
        odd: dict[str, list[str]] = {}
        self._decoded.clear()
        room = _REMEMBERED_BYTES
        for item in labelled.items:
            try:
                decoded = decode.read(folder / item.file, self.background)
                clean = None if partners is None else self._clean(item.file, partners)
            except decode.Unreadable as reason:
                quarantined.append((item.file, str(reason)))
                continue
            read = {item.file: (folder / item.file, decoded)}
            if clean is not None:
                read[f"{self.references}/{item.file}"] = (self._clean_path(item.file), clean)
            room -= sum(image.pixels.nbytes for _, image in read.values())
            if room >= 0:
                self._decoded |= {path: image.pixels for path, image in read.values()}
            laid += sum(image.transparent for _, image in read.values())
            for name, (_, image) in read.items():
                note(odd, name, image)
            rows.append(row_of(item, target_of(item, index), decoded, clean))
        self._rows = tuple(rows if self.ids == "path" else by_content(rows))
        self._class_names = labelled.class_names
        self._quarantined = tuple(sorted(quarantined))
        self._facts = dict(labelled.facts) | {"on_background": laid}
        if odd:
            self._facts["odd_metadata"] = listed(odd)
        labels = (row.target for row in rows if isinstance(row.target, int))
        held = {labelled.class_names[label] for label in labels}
        empty = {*labelled.empty, *labelled.class_names} - held
        if empty:
            self._facts["classes_without_images"] = sorted(empty)
        require_some(self.path.text, rows, self._quarantined)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, sorted by name, or as `classes` orders them."""
        return self._class_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns that `targets` names."""
        return self.targets or ()

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Images left out, each with the reason."""
        return self._quarantined

    def __len__(self) -> int:
        """Return the number of usable images."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return what decoding every image once has shown."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return image `index`.

        Raises:
            DataError: If the file changed since `open`.
        """
        row = self._rows[index]
        file, clean = file_of(row), None
        if row.reference is not None:
            clean = self._pixels(self._clean_path(file), row.reference)
        return Sample(
            image=self._pixels(self._project / self.location() / file, row.content),
            target=row.target,
            id=row.id,
            reference=clean,
            group=row.group,
            attributes=row.attributes,
        )

    def _clean(self, file: str, partners: frozenset[str]) -> decode.DecodedImage:
        """Decode the clean partner of an image.

        Raises:
            Unreadable: If there is none, or it cannot be decoded.
        """
        if file not in partners:
            raise decode.Unreadable(f"{self.references} has no clean image of this path")
        try:
            return decode.read(self._clean_path(file), self.background)
        except decode.Unreadable as reason:
            raise decode.Unreadable(f"its clean image in {self.references}: {reason}") from reason

    def _clean_path(self, file: str) -> Path:
        return self._project / str(self.references) / file

    def _pixels(self, path: Path, content: str) -> np.ndarray[Any, Any]:
        """Return an image as it was when the data set was opened."""
        if path in self._decoded:
            return self._decoded[path].copy()
        name = path.relative_to(self._project).as_posix()
        try:
            decoded = decode.read(path, self.background)
        except decode.Unreadable as reason:
            raise DataError(f"{name} changed during the run: {reason}") from reason
        if decoded.sha256 != content:
            raise DataError(f"{name} changed during the run; run again")
        return decoded.pixels

    def describe(self) -> dict[str, Any]:
        """Return counts for the report."""
        without = sum(row.target is None for row in self._rows)
        return {
            "path": self.location(),
            "n": len(self._rows),
            **({"unlabelled": without} if without else {}),
            **targets_in(self._rows, self.class_names, self.target_names),
            "quarantined": len(self._quarantined),
            **({} if self.references is None else {"references": self.references.text}),
        } | self._facts
