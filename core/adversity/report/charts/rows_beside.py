"""Charts of many rows whose names stand in front of them, so that a row is as high as its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["room", "rows_beside", "width_beside"]

_FEW = 8
"""Of so many rows each has its name above it, where the name has the whole width."""
_LONGEST, _LETTER = 32, 7
"""So many letters of a name stand in front of its row, and how wide one is at most."""
_AXIS, _MARGIN, _WIDER = 56, 4, 0.12
"""Height of the axis, what is free around the chart, and by how much a reader's font
may be wider than the one that the room of names is measured in."""


def width_beside(names: Sequence[str]) -> int:
    """Return how wide names in front of their rows are: many short ones; else 0."""
    longest = max(map(len, names), default=0)
    return _LETTER * longest if len(names) > _FEW and longest <= _LONGEST else 0


def rows_beside(
    layers: Sequence[Mapping[str, Any]], *, rows: int, width: int, row: int = 20, more: int = 0
) -> dict[str, Any]:
    """Give rows their size and look.

    Args:
        layers: Of Vega-Lite; the names among them reach to the left of the axis.
        rows: How many.
        width: Of the names.
        row: Height of a row.
        more: Height of a legend.
    """
    return finished({"layer": [*layers], "padding": room(width)}, height=row * rows + _AXIS + more)


def room(width: int) -> dict[str, int]:
    """Return what is free around a chart with names of such a width at its left."""
    left = _MARGIN + round(_WIDER * width)
    return {"left": left, "top": _MARGIN, "right": _MARGIN, "bottom": _MARGIN}
