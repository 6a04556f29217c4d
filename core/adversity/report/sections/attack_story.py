"""What an attacker can take, in a sentence made from the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adversity.report.doubts.void_figures import VOID, is_void
from adversity.report.sections.budget_curves import unattacked
from adversity.report.values.threat import (
    NORMS,
    any_distance,
    goal_of,
    is_control,
    knowledge_word,
    norm_of,
)
from adversity.report.words.counting import count_text, figure_text, hits
from adversity.report.words.wording import cell_text, eps_text, measure_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["attack_sentence"]


class _Point(NamedTuple):
    """What one attack left in one cell, of what was there before, under which budget."""

    step: StepSummary
    cell: CellResult
    name: str
    left: Measure
    before: Measure
    eps: float | None


def attack_sentence(report: Report) -> Iterator[tuple[str, str]]:
    """Say what is left under the smallest budget that takes half, or else under the largest.

    Of the attacks on the answer that see the whole chain; those on the same victim in the same
    norm as the first of them, at each budget the one that leaves least.
    """
    points = [item for item in _points(report) if not is_control(item.step)]
    believed = [item for item in points if not is_void(report, item.name, item.step, item.cell)]
    points = believed or points
    if not points:
        return
    first = _kind_of(points[0])
    points = [item for item in points if _kind_of(item) == first]
    budgets = sorted({item.eps for item in points if item.eps is not None})
    sizes: list[float | None] = [*budgets] or [None]
    worst = [_least(points, eps) for eps in sizes]
    half = [item for item in worst if item.left.value <= item.before.value / 2]
    chosen = half[0] if half else worst[-1]
    mark = "" if believed else f"{VOID}: "
    which = _which(len(budgets), half=bool(half))
    yield "Attacked.", f"{mark}{_said(chosen)}{which}{_noise(report, chosen)}{_record(chosen)}"


def _points(report: Report) -> Iterator[_Point]:
    """Go through what attacks left of a first headline measure, with what was there before."""
    for step in report.steps:
        if step.kind != "attack" or not goal_of(step).of_answer or any_distance(step):
            continue
        if step.knowledge == "grey-box":
            continue
        for cell in step.shown:
            eps = cell.parameters.get("eps")
            for name, left in cell.measures.items():
                if left.info.headline != 1 or not left.info.unattacked or left.better != "higher":
                    continue
                before = unattacked(report, step, cell.cell, left.info.unattacked)
                if before is not None:
                    size = float(eps) if isinstance(eps, int | float) else None
                    yield _Point(step, cell, name, left, before, size)


def _kind_of(point: _Point) -> tuple[str | None, str, str]:
    return point.step.against, norm_of(point.step, point.cell), point.name


def _least(points: Sequence[_Point], eps: float | None) -> _Point:
    own = [item for item in points if item.eps == eps]
    return min(own, key=lambda item: item.left.value)


def _said(point: _Point) -> str:
    step, left = point.step, point.left
    method = step.uses.partition("/")[2]
    facts = ", ".join(part for part in (method, knowledge_word(step)) if part)
    rest = cell_text(point.cell.cell, without=_budget_names(step))
    where = f" at {rest}" if rest else ""
    start = f"{step.id} ({facts}){where} changes each image {_budget(point)}:"
    if left.info.unattacked != "accuracy":
        name = measure_name(point.name, left)
        return (
            f"{start} the {name} is {figure_text(left)}, n = {left.n:,}; before "
            f"{figure_text(point.before)}."
        )
    count = hits(point.before)
    before = f"{point.before.value:.1%}" if count is None else f"{count:,}"
    return (
        f"{start} {count_text(left)} images of {step.data} are still recognised, "
        f"{figure_text(left)}; before {before}."
    )


def _budget_names(step: StepSummary) -> tuple[str, ...]:
    """Return the variable of the matrix that is the budget: the sentence says that in words."""
    return (str(step.threat.get("eps", "")).lstrip("$"),)


def _budget(point: _Point) -> str:
    """Write how far each image may be changed: `by at most 0.5 of 255 grey levels (L∞ 0.5/255)`."""
    norm = norm_of(point.step, point.cell)
    if point.eps is None:
        return "within its bounds"
    size = eps_text(point.eps, norm)
    if norm == "linf":
        return f"by at most {255 * point.eps:.3g} of 255 grey levels ({NORMS[norm]} {size})"
    return f"by at most {size} ({NORMS.get(norm, norm) or 'its own size'})"


def _which(count: int, *, half: bool) -> str:
    if count < 2:
        return ""
    if half:
        return f" Of {count} budgets it is the smallest that takes at least half."
    return f" Of {count} budgets it is the largest, and none takes half."


def _noise(report: Report, chosen: _Point) -> str:
    """Say what random noise of the same size leaves, where a control ran."""
    for item in _points(report):
        same = _kind_of(item) == _kind_of(chosen) and item.eps == chosen.eps
        if is_control(item.step) and same and item.left.info.unattacked == "accuracy":
            return f" Random noise of the same size leaves {count_text(item.left)}."
    return ""


def _record(chosen: _Point) -> str:
    """Say what every attack on record leaves within the budget, where that is less."""
    for measure in chosen.cell.measures.values():
        if measure.info.group == "worst case" and measure.value < chosen.left.value:
            return (
                f" Every attack on record together leaves {count_text(measure)}, "
                f"{figure_text(measure)}."
            )
    return ""
