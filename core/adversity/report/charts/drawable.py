"""Which records have a place on an axis, and where its scale becomes logarithmic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from adversity.report.charts.log_scale import knee_of, knee_ticks
from adversity.report.words.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["beyond_of", "drawable"]


def drawable(records: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], str]:
    """Return the records that have a place on an axis, and words on those that have none.

    A median distance or a PSNR can be infinite: such a point is left to the tables, and an
    interval with an infinite end is not drawn.
    """
    finite: list[Mapping[str, Any]] = []
    lost = 0
    for item in records:
        ends = (item["low"], item["high"])
        if not math.isfinite(item["value"]):
            lost += 1
            continue
        if not all(map(math.isfinite, ends)):
            lost += 1
            item = {**item, "low": item["value"], "high": item["value"]}
        finite.append(item)
    return (
        finite,
        f" Not drawn: {plural(lost, 'infinite value')}, see the tables." if lost else "",
    )


def beyond_of(records: Sequence[Mapping[str, Any]]) -> tuple[float, tuple[float, ...]] | None:
    """Return where the scale of values becomes logarithmic, and its ticks; None for a plain one."""
    knee = knee_of(item["value"] for item in records)
    if knee is None:
        return None
    return knee, knee_ticks((item[name] for item in records for name in ("low", "high")), knee)
