"""Which data a number was measured on, and in which version."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.report.values.model import DataSummary, StepSummary

__all__ = ["SHORT", "data_of", "version_text"]

SHORT = 10
"""So many digits of a content tell versions apart for a reader."""


def data_of(step: StepSummary, data: Iterable[DataSummary]) -> DataSummary | None:
    """Return the data set whose samples a step's numbers count; None where the report has none."""
    return next((one for one in data if one.id == step.data), None)


def version_text(data: DataSummary) -> str:
    """Return the version for a reader: `photos at v1 (e89e5c6481)`, else by ids, labels and bytes."""
    revision, version = (str(data.facts.get(name, "")) for name in ("revision", "version"))
    if revision:
        return f"{data.id} at {revision} ({version.removeprefix('git:')[:SHORT]})"
    return f"{data.id} ({data.content[:SHORT]})" if data.content else data.id
