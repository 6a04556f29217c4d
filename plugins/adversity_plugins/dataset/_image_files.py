"""Image files of a published layout: decoded once when a data set is opened, and again when used."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset._folder_rows import listed, note
from adversity_plugins.dataset._read_images import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Found", "ImageFiles"]

Array = np.ndarray[Any, Any]
_REMEMBERED_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Found:
    """A sample of a layout.

    Attributes:
        id: Its id.
        file: The image, relative to the project.
        target: Its class; None where it has no label.
        clean: Its clean partner, relative to the project; None where it has none.
        group, attributes: As in `Sample`.
    """

    id: str
    file: str
    target: int | None = None
    clean: str | None = None
    group: str | None = None
    attributes: Mapping[str, str | float] = field(default_factory=dict)


class ImageFiles:
    """The images that a layout names, those that can be decoded to the last pixel.

    Small data sets stay decoded in memory; of larger ones an image is decoded again when used,
    and refused if its bytes changed.

    Attributes:
        rows: What is known of each image.
        quarantined: Those left out, with the reason.
        facts: What was odd, for the report.
    """

    def __init__(
        self, project: Path, found: Sequence[Found], where: str, *, border: int = 0
    ) -> None:
        """Decode every image, and its clean partner.

        Args:
            project: The project's folder.
            found: The samples.
            where: The data set's folder, for the message.
            border: Pixels that are cut off at each side of each image.

        Raises:
            DataError: If no image can be used.
        """
        self._project, self._border = project, border
        self._decoded: dict[str, Array] = {}
        self._odd: dict[str, list[str]] = {}
        self._laid = 0
        self._read_again: dict[str, decode.DecodedImage] = {}
        self._room = _REMEMBERED_BYTES
        rows, kept, lost = [], [], []
        for one in found:
            try:
                image = self._first(one.file)
                clean = None if one.clean is None else self._clean(one.clean)
            except decode.Unreadable as reason:
                lost.append((one.id, str(reason)))
                continue
            rows.append(_row_of(one, image, clean))
            kept.append(one)
        self._read_again.clear()
        self._found = tuple(kept)
        self.rows = tuple(rows)
        self.quarantined = tuple(lost)
        if not rows:
            such = f"; {len(lost)} were left out, such as {': '.join(lost[0])}" if lost else ""
            raise DataError(f"{where} has no usable image{such}")
        self.facts: dict[str, Any] = {"on_background": self._laid} if self._laid else {}
        if self._odd:
            self.facts["odd_metadata"] = listed(self._odd)

    def _read(self, file: str) -> decode.DecodedImage:
        """Decode a file, and cut off the border.

        Raises:
            Unreadable: If it is damaged, or all border.
        """
        image = decode.read(self._project / file)
        if not self._border:
            return image
        if min(image.pixels.shape[:2]) <= 2 * self._border:
            raise decode.Unreadable(f"is nothing but its border of {self._border} pixels")
        inside = slice(self._border, -self._border)
        return replace(image, pixels=np.ascontiguousarray(image.pixels[inside, inside]))

    def _first(self, file: str) -> decode.DecodedImage:
        """Decode a file for the first time, and keep the pixels while there is room."""
        image = self._read(file)
        self._room -= image.pixels.nbytes
        if self._room >= 0:
            self._decoded[file] = image.pixels
        self._laid += image.transparent
        note(self._odd, file, image)
        return image

    def _clean(self, file: str) -> decode.DecodedImage:
        """Decode a clean image, which several may share: the last one is kept."""
        if file not in self._read_again:
            try:
                self._read_again = {file: self._first(file)}
            except decode.Unreadable as reason:
                raise decode.Unreadable(f"its clean image {file}: {reason}") from reason
        return self._read_again[file]

    def sample(self, index: int) -> Sample:
        """Return a sample.

        Raises:
            IndexError: If there are no so many.
            DataError: If a file changed since it was decoded first.
        """
        row, one = self.rows[index], self._found[index]
        clean = None
        if one.clean is not None:
            clean = self._pixels(one.clean, str(row.reference))
        return Sample(
            image=self._pixels(one.file, row.content),
            target=row.target,
            id=row.id,
            reference=clean,
            group=row.group,
            attributes=row.attributes,
        )

    def _pixels(self, file: str, content: str) -> Array:
        if file in self._decoded:
            return self._decoded[file].copy()
        try:
            image = self._read(file)
        except decode.Unreadable as reason:
            raise DataError(f"{file} changed during the run: {reason}") from reason
        if image.sha256 != content:
            raise DataError(f"{file} changed during the run; run again")
        return image.pixels


def _row_of(one: Found, image: decode.DecodedImage, clean: decode.DecodedImage | None) -> IndexRow:
    images = (image,) if clean is None else (image, clean)
    return IndexRow(
        id=one.id,
        target=one.target,
        shape=_shape(image.pixels),
        content=image.sha256,
        group=one.group,
        attributes=one.attributes,
        pixels=tuple(pixels_sha256(each.pixels) for each in images),
        reference=None if clean is None else clean.sha256,
        reference_shape=None if clean is None else _shape(clean.pixels),
    )


def _shape(pixels: Array) -> tuple[int, int, int]:
    return (pixels.shape[0], pixels.shape[1], 1 if pixels.ndim == 2 else 3)
