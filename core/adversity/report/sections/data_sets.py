"""The section on the data sets as they were used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.sections.register import section
from adversity.report.values.blocks import MAX_ROWS, Block, Section, Table, Text
from adversity.report.words.wording import NOTHING, pairs, plural

if TYPE_CHECKING:
    from adversity.report.values.model import DataSummary, Report

__all__ = ["data_section"]


@section(order=1200)
def data_section(report: Report) -> Section | None:
    """Describe each data set as it was used, quarantined files included."""
    if not report.data:
        return None
    table = Table(
        "data-sets",
        "Data sets as they were used. Content: SHA-256 of ids, labels and bytes.",
        ("data set", "plugin", "n", "classes", "images", "prepare", "content", "facts"),
        tuple(_data_row(item) for item in report.data),
        numeric=frozenset({"n", "classes"}),
    )
    blocks: list[Block] = [table]
    for item in report.data:
        if item.quarantined:
            files = tuple(f"{name}: {why}" for name, why in item.quarantined[:MAX_ROWS])
            count = plural(len(item.quarantined), "file")
            blocks.append(Text(f"{item.id}: {count} could not be used:", items=files))
    return Section("data", "Data", blocks, folded=True)


def _data_row(item: DataSummary) -> tuple[str, ...]:
    return (
        item.id,
        item.uses,
        f"{item.n:,}",
        ", ".join(item.target_names) or f"{item.classes:,}",
        _images(item),
        pairs(item.prepare),
        item.content[:16] or NOTHING,
        pairs(item.facts),
    )


def _images(item: DataSummary) -> str:
    """Say what the images are: taken for clean, or degraded, and with how many references."""
    if not item.references:
        return "taken for clean" if item.images == "clean" else f"{item.images}, no references"
    return f"{item.images}, clean references: {item.references:,} of {item.n:,}"
