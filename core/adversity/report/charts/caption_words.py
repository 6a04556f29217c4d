"""What a chart's caption and axes say of the measures in it: intervals, counts, units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.words.wording import method_name, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import Measure

__all__ = ["counts_in_words", "direction_in_words", "intervals_in_words", "units_in_words"]


def direction_in_words(measures: Sequence[Measure]) -> str:
    """Say which direction is good, with a space after it; empty where they do not agree or none is."""
    directions = {measure.better for measure in measures}
    known = directions.pop() if len(directions) == 1 else None
    return f"{known.capitalize()} is better. " if known else ""


def intervals_in_words(measures: Sequence[Measure]) -> str:
    """Say what the bands are: level and method, or that there is none."""
    methods = dict.fromkeys(
        f"{measure.level:.0%} {method_name(measure.method)}".replace("%", " %")
        for measure in measures
        if measure.low is not None
    )
    if not methods:
        return "These measures have no interval."
    missing = any(measure.low is None for measure in measures)
    end = " (where one exists)." if missing else "."
    return "Intervals: " + ", ".join(methods) + end


def counts_in_words(records: Sequence[Mapping[str, Any]], counted: str = "point") -> str:
    """Say of how many samples the figures are."""
    counts = sorted({item["n"] for item in records}) or [0]
    if len(counts) == 1:
        return f"n = {counts[0]:,} for each {counted}."
    return f"n = {counts[0]:,} to {counts[-1]:,} for a {counted}."


def units_in_words(measures: Sequence[Measure]) -> str:
    """Return the units that measures are drawn in, as the end of an axis title; empty for none."""
    units = {written(measure).unit for measure in measures} - {""}
    return f" ({', '.join(sorted(units))})" if units else ""
