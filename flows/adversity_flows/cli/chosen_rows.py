"""Which figures of a run stand in the terminal, where there are more than can be read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.contracts import Measure
    from adversity.report.values.model import CellResult, StepSummary

__all__ = ["Figure", "chosen"]


class Figure(NamedTuple):
    """A measure that a step stands for, in one cell."""

    step: StepSummary
    cell: CellResult
    name: str
    measure: Measure
    void: bool


def chosen(figures: Sequence[Figure], most: int) -> list[Figure]:
    """Choose figures, in their order: no step and no measure of it is left out.

    Of each step and measure the worst cell stands always, however many there are; then void
    figures, the best cells, and from the first one on what else there is room for. A measure of
    which neither high nor low is better stands with its lowest and its highest value.

    Args:
        figures: All of them, in the report's order.
        most: How many, unless there are more worst cells.
    """
    if len(figures) <= most:
        return list(figures)
    series: dict[tuple[str, str], list[int]] = {}
    for place, figure in enumerate(figures):
        series.setdefault((figure.step.id, figure.name), []).append(place)
    ends = [_ends(figures, places) for places in series.values()]
    worst = dict.fromkeys(end[0] for end in ends)
    void = [place for place, figure in enumerate(figures) if figure.void]
    ranked = dict.fromkeys([*worst, *void, *(end[1] for end in ends), *range(len(figures))])
    return [figures[place] for place in sorted([*ranked][: max(most, len(worst))])]


def _ends(figures: Sequence[Figure], places: Sequence[int]) -> tuple[int, int]:
    """Return the places of the worst and of the best figure, the first where several are equal."""
    sign = -1 if figures[places[0]].measure.better == "lower" else 1
    ranked = sorted(places, key=lambda place: sign * figures[place].measure.value)
    best = max(places, key=lambda place: sign * figures[place].measure.value)
    return ranked[0], best
