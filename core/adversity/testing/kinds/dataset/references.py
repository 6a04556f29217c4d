"""What a data set of pairs promises of its clean references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.pixels import shape_of
from adversity.testing.bench.checks import NotApplicable, check, require

if TYPE_CHECKING:
    from adversity.testing.kinds.dataset import DatasetBench

__all__ = ["references_are_known"]


@check("The index knows every clean reference: the hash of what it is read from, and its size.")
def references_are_known(bench: DatasetBench) -> str:
    """Compare `reference` and `reference_shape` of the index with the samples' references."""
    data = bench.ready.plugin
    index = data.index()
    if index is None:
        raise NotApplicable("it has no index; the engine reads every sample once")
    content: dict[str, bytes] = {}
    for number in bench.some(data):
        row, reference = index[number], data.item(number).reference
        if reference is None:
            said = [part for part in (row.reference, row.reference_shape) if part is not None]
            require(
                not said, f"expected no reference in the index, {row.id!r} has none, got {said}"
            )
            continue
        require(
            isinstance(row.reference, str) and row.reference,
            f"expected the SHA-256 of the reference of {row.id!r} in the index, got "
            f"{row.reference!r}: an edited one would go unnoticed",
        )
        shape, stated = shape_of(reference), tuple(row.reference_shape or row.shape)
        require(
            stated == shape,
            f"expected reference_shape {shape} in the row of {row.id!r}, got {stated}",
        )
        pixels = reference.tobytes()
        require(
            content.setdefault(str(row.reference), pixels) == pixels,
            f"expected another hash for another reference, that of {row.id!r} is one before: what "
            "is measured against it would not be measured anew",
        )
    if not content:
        raise NotApplicable("no sample that was looked at has a reference")
    return f"{len(content)} references"
