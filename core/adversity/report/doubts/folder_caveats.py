"""What a folder of images leaves unsaid: classes without an image, files that DVC does not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.values.model import Caveat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.report.values.model import DataSummary

__all__ = ["of_folders"]


def of_folders(data: Sequence[DataSummary]) -> Iterator[Caveat]:
    """Yield what must be said of data sets, from the facts that they give."""
    yield from _empty_classes(data)
    yield from _unseen(data)


def _empty_classes(data: Sequence[DataSummary]) -> Iterator[Caveat]:
    """Name the classes that a data set knows of and has no image of: no figure counts them."""
    for item in data:
        names = tuple(item.facts.get("classes_without_images", ()))
        if names:
            count = "1 class has" if len(names) == 1 else f"{len(names)} classes have"
            more = ", ..." if len(names) > 3 else ""
            yield Caveat(
                "warning",
                f"Of {item.id}, {count} no image that can be used: {', '.join(names[:3])}{more}. "
                "Nothing is said of them.",
            )


def _unseen(data: Sequence[DataSummary]) -> Iterator[Caveat]:
    """Say what DVC leaves out of a data set, which no sample comes from."""
    for item in data:
        left_out = item.facts.get("left_out_by_dvcignore")
        if left_out:
            noun = "file or folder" if left_out["count"] == 1 else "files and folders"
            yield Caveat(
                "note",
                f".dvcignore leaves {left_out['count']} {noun} out of {item.id}, for example "
                f"{left_out['example']}: DVC does not see them, so no sample comes from there.",
            )
