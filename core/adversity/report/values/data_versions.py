"""Which data a number was measured on, and in which version."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.report.values.model import DataSummary, StepSummary
    from adversity.report.values.paired import CellValues

__all__ = ["SHORT", "data_of", "version_text"]

SHORT = 10
"""So many digits of a content tell versions apart for a reader."""


def data_of(step: StepSummary, cell: CellValues, data: Iterable[DataSummary]) -> DataSummary | None:
    """Return the data set whose samples a number counts, in the version of its cell.

    None where the report has none, or where the number is of several versions.
    """
    found = [
        one
        for one in data
        if one.name == step.data and dict(one.cell).items() <= dict(cell).items()
    ]
    return found[0] if len(found) == 1 else None


def version_text(data: DataSummary) -> str:
    """Return the version for a reader: `photos at v1 (e89e5c6481)`, else by ids, labels and bytes."""
    revision, version = (str(data.facts.get(name, "")) for name in ("revision", "version"))
    if revision:
        return f"{data.name} at {revision} ({version.removeprefix('git:')[:SHORT]})"
    return f"{data.id} ({data.content[:SHORT]})" if data.content else data.id
