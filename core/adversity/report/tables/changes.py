"""Columns of paired changes in a table: value, spread over seeds, interval, n."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.words.reading import is_number
from adversity.report.words.wording import NOTHING, change_text, number, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.contracts.values import Measure

__all__ = ["change_columns", "p_text", "seeds_in_words"]


def change_columns(
    changes: Sequence[Measure], name: str
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads of these columns, and the texts of each row.

    Args:
        changes: A paired difference for each row; of several seeds, with `spread` in its details.
        name: The head of the values.
    """
    spreads = [_spread(change) for change in changes]
    several = any(spreads)
    heads = (name, *(("± over seeds",) if several else ()), "interval", "n")
    rows = []
    for change, spread in zip(changes, spreads, strict=True):
        value, interval = change_text(change)
        beside = (spread or NOTHING,) if several else ()
        rows.append((value, *beside, interval, f"{change.n:,}"))
    return heads, rows


def seeds_in_words(changes: Sequence[Measure], counts: str) -> str:
    """Say what a row is where it stands for several seeds; nothing where none does.

    Args:
        changes: As `change_columns` takes them.
        counts: What is counted in all seeds together.
    """
    seeds = sorted({int(n) for c in changes if is_number(n := c.details.get("seeds"), 2)})
    if not seeds:
        return ""
    many = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
    return f" Means over {many} seeds, ± their standard deviation; {counts} in all seeds together."


def p_text(p_value: float | None) -> str:
    """Write a p-value with two digits."""
    return NOTHING if p_value is None else f"{p_value:.2g}"


def _spread(change: Measure) -> str:
    spread = change.details.get("spread")
    if not is_number(spread, 0.0):
        return ""
    factor = 100 if change.info.scale == "percent" else 1
    return number(factor * spread, written(change).unit)
