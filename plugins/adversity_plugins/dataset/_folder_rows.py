"""What reading the images of a folder shows: a row of its index each, and what is odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts.values import IndexRow
from adversity.provenance import pixels_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from adversity_plugins.dataset._labels import Item
    from adversity_plugins.dataset._read_images.decode import DecodedImage

__all__ = ["listed", "note", "row_of"]


def note(odd: dict[str, list[str]], name: str, image: DecodedImage) -> None:
    """Put an image under each remark that reading it gave."""
    for remark in image.remarks:
        odd.setdefault(remark, []).append(name)


def listed(odd: Mapping[str, Sequence[str]]) -> str:
    """Say each remark once, with how many images it is of and one of them."""
    return "; ".join(
        f"{remark} (images: {len(files)}, such as {files[0]})"
        for remark, files in sorted(odd.items())
    )


def row_of(
    item: Item, target: int | None, decoded: DecodedImage, clean: DecodedImage | None
) -> IndexRow:
    """Return what decoding an image, and its clean partner, has shown."""
    images = (decoded,) if clean is None else (decoded, clean)
    return IndexRow(
        id=item.file,
        target=target,
        shape=_shape(decoded.pixels),
        content=decoded.sha256,
        group=item.group,
        attributes=item.attributes,
        pixels=tuple(pixels_sha256(image.pixels) for image in images),
        reference=None if clean is None else clean.sha256,
        reference_shape=None if clean is None else _shape(clean.pixels),
    )


def _shape(pixels: np.ndarray[Any, Any]) -> tuple[int, int, int]:
    return (pixels.shape[0], pixels.shape[1], 1 if pixels.ndim == 2 else 3)
