"""A folder of labelled pictures: class folders, or a CSV file with the labels."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from adversity import Dataset
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset import pictures
from adversity_plugins.dataset.labels import Labelled, from_csv, from_folders

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["Folder"]

_REMEMBERED_BYTES = 64 * 2**20


class Folder(Dataset):
    """Pictures in a folder, labelled by class folders or by a CSV file.

    `open` reads and decodes every picture once, in the order of the ids: what cannot be
    decoded to the last pixel is left out and listed before any number depends on it. Small
    data sets stay decoded in memory; of larger ones a picture is decoded again when used,
    and refused if its bytes changed.

    Ids are paths inside the folder with forward slashes, sorted. Hidden files and files that
    are no pictures are ignored. Links that lead out of the folder are refused, except into
    the project's DVC cache. How pictures are decoded: `pictures.py`.
    """

    name: ClassVar[str] = "folder"

    path: str = Field(description="the folder, relative to the project")
    labels: str | None = Field(
        default=None,
        description="a CSV file inside the folder with columns file, label and optionally group; "
        "without it every sub-folder is a class",
    )
    classes: tuple[str, ...] | None = Field(
        default=None, description="the allowed classes in order; without it, those found, sorted"
    )
    background: pictures.Background = Field(
        default="white", description="what transparent pixels are laid on"
    )

    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())
    _class_names: tuple[str, ...] = PrivateAttr(default=())
    _quarantined: tuple[tuple[str, str], ...] = PrivateAttr(default=())
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)
    _decoded: dict[str, np.ndarray[Any, Any]] = PrivateAttr(default_factory=dict)

    @field_validator("path", "labels")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value is None:
            return None
        windows = PureWindowsPath(value)
        if not value or windows.anchor or value.startswith("/") or ".." in windows.parts:
            raise ValueError(f"must be a relative path that does not leave its root, got {value!r}")
        return value

    @field_validator("classes")
    @classmethod
    def _each_class_once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (not value or len(set(value)) < len(value)):
            raise ValueError(f"must name every class once, got {list(value)}")
        return value

    def location(self) -> str:
        """Return the folder: DVC hashes it."""
        return PurePosixPath(self.path).as_posix()

    def open(self, root: Path) -> None:
        """List, label, decode and hash the pictures.

        Raises:
            DataError: If the folder is missing, a label is wrong, a link leads outside, or no
                picture can be used.
        """
        super().open(root)
        folder = self._folder(root)
        files = _list_files(folder, root, self.path)
        if self.labels is None:
            found = from_folders(files, where=self.path, classes=self.classes)
        else:
            found = from_csv(
                folder / self.labels,
                files,
                where=f"{self.path}/{self.labels}",
                classes=self.classes,
            )
        self._read(folder, found)

    def _folder(self, root: Path) -> Path:
        folder = root / self.path
        if not folder.is_dir():
            raise DataError(
                f"data set folder {self.path!r}: expected a folder in the project, found "
                f"{'a file' if folder.exists() else 'nothing'}; check `path`, or run `dvc pull`"
            )
        if not _inside(folder, root):
            raise DataError(
                f"data set folder {self.path!r} is a link out of the project; copy it in"
            )
        return folder

    def _read(self, folder: Path, found: Labelled) -> None:
        index = {name: i for i, name in enumerate(found.class_names)}
        rows: list[IndexRow] = []
        quarantined = list(found.quarantined)
        laid = 0
        odd: dict[str, list[str]] = {}
        self._decoded.clear()
        room = _REMEMBERED_BYTES
        for item in found.items:
            try:
                picture = pictures.read(folder / item.file, self.background)
            except pictures.Unreadable as reason:
                quarantined.append((item.file, str(reason)))
                continue
            pixels = picture.pixels
            laid += picture.transparent
            for remark in picture.remarks:
                odd.setdefault(remark, []).append(item.file)
            room -= pixels.nbytes
            if room >= 0:
                self._decoded[item.file] = pixels
            rows.append(
                IndexRow(
                    id=item.file,
                    target=index[item.label],
                    shape=(pixels.shape[0], pixels.shape[1], 1 if pixels.ndim == 2 else 3),
                    content=picture.sha256,
                    group=item.group,
                    attributes=item.attributes,
                    pixels=(pixels_sha256(pixels),),
                )
            )
        self._rows = tuple(rows)
        self._class_names = found.class_names
        self._quarantined = tuple(sorted(quarantined))
        self._facts = dict(found.facts) | {"on_background": laid}
        if odd:
            self._facts["odd_metadata"] = "; ".join(
                f"{remark} (images: {len(files)}, such as {files[0]})"
                for remark, files in sorted(odd.items())
            )
        self._require_some()

    def _require_some(self) -> None:
        if self._rows:
            return
        lost = "; ".join(f"{name}: {reason}" for name, reason in self._quarantined[:3])
        raise DataError(
            f"data set folder {self.path!r} has no usable picture"
            + (f"; {len(self._quarantined)} were left out, such as {lost}" if lost else "")
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, sorted by name, or as `classes` orders them."""
        return self._class_names

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Pictures left out, each with the reason."""
        return self._quarantined

    def __len__(self) -> int:
        """Return the number of usable pictures."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return what decoding every picture once has shown."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return picture `index`.

        Raises:
            DataError: If the file changed since `open`.
        """
        row = self._rows[index]
        return Sample(
            image=self._pixels(row),
            target=row.target,
            id=row.id,
            group=row.group,
            attributes=row.attributes,
        )

    def _pixels(self, row: IndexRow) -> np.ndarray[Any, Any]:
        if row.id in self._decoded:
            return self._decoded[row.id].copy()
        path = (self._root or Path()) / self.path / row.id
        try:
            picture = pictures.read(path, self.background)
        except pictures.Unreadable as reason:
            raise DataError(f"{self.path}/{row.id} changed during the run: {reason}") from reason
        if picture.sha256 != row.content:
            raise DataError(f"{self.path}/{row.id} changed during the run; run again")
        return picture.pixels

    def describe(self) -> dict[str, Any]:
        """Return counts for the report."""
        counts = [0] * len(self._class_names)
        for row in self._rows:
            counts[int(row.target)] += 1  # type: ignore[arg-type]
        return {
            "path": self.location(),
            "n": len(self._rows),
            "per_class": dict(zip(self._class_names, counts, strict=True)),
            "quarantined": len(self._quarantined),
        } | self._facts


def _list_files(folder: Path, root: Path, where: str) -> tuple[str, ...]:
    """List all files that are not hidden, as sorted paths with forward slashes."""
    found: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in (*folders, *names):
            path = Path(parent, name)
            if path.is_symlink() and not name.startswith("."):
                _check_link(path, folder, root, where)
        found += [
            Path(parent, name).relative_to(folder).as_posix()
            for name in names
            if not name.startswith(".")
        ]
    for file in found:
        if not file.isprintable():
            raise DataError(f"{where}: file name {file!r} is not plain text; rename it")
    return tuple(sorted(found))


def _check_link(path: Path, folder: Path, root: Path, where: str) -> None:
    name = path.relative_to(folder).as_posix()
    if path.is_dir():
        raise DataError(
            f"{where}/{name} is a link to a folder; copy the folder, links are not followed"
        )
    if not _inside(path, folder) and not _inside(path, root / ".dvc" / "cache"):
        raise DataError(f"{where}/{name} is a link out of the data set; copy the file in")


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
