"""How a figure is written in a sentence: as a count of images where it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.words.reading import is_number
from adversity.report.words.wording import interval_text, value_text

if TYPE_CHECKING:
    from adversity.contracts.values import Measure

__all__ = ["count_text", "figure_text", "hits"]


def hits(measure: Measure) -> int | None:
    """Return how many samples a share counts; None where it is no whole number of them.

    Example:
        >>> from adversity.contracts.values import Measure
        >>> hits(Measure(0.15, 20)), hits(Measure(0.155, 20))
        (3, None)
    """
    count = measure.value * measure.n
    whole = round(count)
    return whole if abs(count - whole) < 1e-6 * max(1, measure.n) else None


def count_text(measure: Measure) -> str:
    """Write `3 of 20`, or a share of so many where it counts no whole number."""
    count = hits(measure)
    return (
        f"{measure.value:.1%} of {measure.n:,}" if count is None else f"{count:,} of {measure.n:,}"
    )


def figure_text(measure: Measure) -> str:
    """Write value and interval: `0.150 [0.052, 0.360]`, and over how many seeds it is a mean."""
    seeds = measure.details.get("seeds", 1)
    over = f", the mean over {seeds} seeds" if is_number(seeds, 2) else ""
    return f"{value_text(measure)} {interval_text(measure)}{over}"
