"""What reading the images of a folder shows: a row of its index each, and what is odd."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.contracts.values import IndexRow
from adversity.errors import DataError
from adversity.provenance import pixels_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from adversity.project import Listing
    from adversity_plugins.dataset._labels import Item

    Target = int | float | Sequence[float] | None
    from adversity_plugins.dataset._read_images.decode import DecodedImage

__all__ = [
    "by_content",
    "columns_fault",
    "file_of",
    "listed",
    "note",
    "require_some",
    "require_visible",
    "row_of",
    "target_of",
    "targets_in",
]


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


def columns_fault(
    targets: Sequence[str] | None, labels: str | None, classes: Sequence[str] | None
) -> str | None:
    """Say what is wrong with the columns that are to be targets, or None.

    Args:
        targets: Their names; None where targets are classes.
        labels: The CSV file.
        classes: The allowed classes.
    """
    own = ("file", "label", "group")
    if targets is None:
        return None
    if labels is None or classes is not None:
        return "targets are columns of the CSV file in `labels`, without `classes`"
    if not targets or len({*targets, *own}) < len(targets) + len(own):
        return (
            f"targets must name columns, each once, none of {', '.join(own)}, got {list(targets)}"
        )
    return None


def target_of(item: Item, index: Mapping[str, int]) -> Target:
    """Return the class of an image, or its numbers: one alone, several as they are.

    Args:
        item: The image.
        index: The number of each class.
    """
    if not isinstance(item.numbers, tuple):
        return index.get(item.label)
    return item.numbers[0] if len(item.numbers) == 1 else item.numbers


def targets_in(
    rows: Sequence[IndexRow], class_names: Sequence[str], target_names: Sequence[str]
) -> dict[str, object]:
    """Return how many images each class has; of numbers, between what they lie."""
    if not target_names:
        counts = Counter(row.target for row in rows)
        return {"per_class": {name: counts[i] for i, name in enumerate(class_names)}}
    given = [row.target if isinstance(row.target, tuple) else (row.target,) for row in rows]
    known = [numbers for numbers in given if numbers[0] is not None]
    ends = [[min(column), max(column)] for column in zip(*known, strict=True)]
    return {"targets": dict(zip(target_names, ends, strict=False))}


def row_of(
    item: Item, target: Target, decoded: DecodedImage, clean: DecodedImage | None
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


_FILE = "file"
"""The attribute that says where a sample lies which is not known by its path; no column is called so."""
_DIGITS = 20
"""Of the 64 hexadecimal digits of a SHA-256: two of 10 000 000 images share them once in 10^10 sets."""


def by_content(rows: Sequence[IndexRow]) -> list[IndexRow]:
    """Let samples be known by their pixels, in the order of their new ids.

    Args:
        rows: Known by their paths, sorted. Equal images are numbered in this order.
    """
    seen: Counter[str] = Counter()
    named = []
    for row in rows:
        digest = row.pixels[0][:_DIGITS]
        seen[digest] += 1
        id_ = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        named.append(replace(row, id=id_, attributes={_FILE: row.id, **row.attributes}))
    return sorted(named, key=lambda row: row.id)


def file_of(row: IndexRow) -> str:
    """Return the path of a sample's image inside the folder."""
    return str(row.attributes.get(_FILE, row.id))


def require_some(
    path: str, rows: Sequence[IndexRow], quarantined: Sequence[tuple[str, str]]
) -> None:
    """Refuse a folder of which no image can be used.

    Raises:
        DataError: With some of what was left out.
    """
    if rows:
        return
    lost = "; ".join(f"{name}: {reason}" for name, reason in quarantined[:3])
    raise DataError(
        f"data set folder {path!r} has no usable image"
        + (f"; {len(quarantined)} were left out, such as {lost}" if lost else "")
    )


def _shape(pixels: np.ndarray[Any, Any]) -> tuple[int, int, int]:
    return (pixels.shape[0], pixels.shape[1], 1 if pixels.ndim == 2 else 3)


def require_visible(file: str, listing: Listing, where: str) -> None:
    """Refuse a label file that DVC does not see.

    Raises:
        DataError: If it is not there, or `.dvcignore` leaves it out.
    """
    if file in listing.files:
        return
    for name, rule in listing.ignored:
        if file == name or file.startswith(f"{name}/"):
            raise DataError(
                f"{where}/{file} is left out by {rule}: DVC does not see it, so a change would go "
                "unnoticed; take it out of .dvcignore"
            )
    inside = file.removeprefix(f"{where}/")
    meant = f"; did you mean {inside}?" if inside in listing.files else ""
    raise DataError(f"{where}/{file}: not found; check `labels` (a file inside `path`){meant}")
