"""Which series one chart shows where there are more than it can hold, and which it leaves out."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from adversity.report.charts.chart_style import MAX_SERIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Matters", "chosen_series"]

_NAMED = 8
"""So many that are left out are named; of more, it is said how many they are."""
Matters = Literal["largest", "smallest"]


def chosen_series(
    records: Sequence[Mapping[str, Any]], matters: Matters
) -> tuple[list[Mapping[str, Any]], str]:
    """Return the records of the series that matter most, and words on those left out.

    The first series is always shown: it stands first in the file, and others are compared with it.
    Of the rest, those with the largest, or smallest, mean of their values are shown.

    Args:
        records: With `series` and `value`.
        matters: Whether large or small values matter.

    Returns:
        All records and no words where the chart can hold all series.
    """
    values: dict[str, list[float]] = {}
    for record in records:
        values.setdefault(record["series"], []).append(record["value"])
    first, *others = values
    if len(values) <= MAX_SERIES:
        return list(records), ""
    sign = -1 if matters == "largest" else 1
    others.sort(key=lambda name: sign * fmean(values[name]))
    kept, left = {first, *others[: MAX_SERIES - 1]}, others[MAX_SERIES - 1 :]
    names = f": {', '.join(left)}" if len(left) <= _NAMED else ""
    words = (
        f" Shown: the first, and the {MAX_SERIES - 1} with the {matters} mean over the axis. Left "
        f"out, {len(left)}{names}; the tables have all."
    )
    return [record for record in records if record["series"] in kept], words
