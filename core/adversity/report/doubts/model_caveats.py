"""What must be said of a classifier that does no better than a guess: what it was fed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.report.values.model import Caveat
from adversity.report.values.paired import cell_key
from adversity.report.words.reading import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellValues, StepSummary

__all__ = ["of_models"]

NEAR = 0.25
"""Twice what a guess gives is near it, where that is no more than this."""


def of_models(steps: Sequence[StepSummary]) -> Iterator[Caveat]:
    """Yield a warning for each network whose best accuracy is that of a guess.

    A network that was fed in another range, order of channels or classes than it was trained on
    answers all the same, and nothing breaks. Those are looked at that say in `describe()` what is
    done to the images (`input`) and how many classes there are (`classes`): of all the steps that
    use the same one, the best figure counts, for in bad weather a good network guesses, too.
    """
    best: dict[str, tuple[Caveat, Measure, float]] = {}
    for step in steps:
        for uses, where, facts in step.models if step.makes == "predictions" else ():
            if not isinstance(facts.get("input"), Mapping) or not is_number(
                facts.get("classes"), 2
            ):
                continue
            key = json.dumps([uses, where, facts], sort_keys=True, default=str)
            for cell in step.cells:
                measure = cell.measures.get("accuracy")
                if measure is None or not where.items() <= cell.cell.items():
                    continue
                if key not in best or measure.value > best[key][1].value:
                    text = _sentence(step.id, uses, where, facts, measure)
                    caveat = Caveat("warning", text, step.id, where or None)
                    best[key] = caveat, measure, 1 / facts["classes"]
    yield from (caveat for caveat, measure, chance in best.values() if _is_a_guess(measure, chance))


def _is_a_guess(measure: Measure, chance: float) -> bool:
    low = measure.value if measure.low is None else measure.low
    return low <= chance or measure.value <= min(2 * chance, NEAR)


def _sentence(
    step: str, uses: str, where: CellValues, facts: Mapping[str, Any], measure: Measure
) -> str:
    given = ", ".join(f"{name} {value}" for name, value in facts["input"].items())
    unsaid = ", ".join(facts.get("by_default", ()))
    unsaid = f"; nobody has said {unsaid}, these are defaults" if unsaid else ""
    cell = f" [{cell_key(where)}]" if where else ""
    return (
        f"{step}{cell}: {uses} is right for {measure.value:.1%} of n = {measure.n} at best, and a "
        f"guess among its {facts['classes']:g} classes for {1 / facts['classes']:.1%}. See whether "
        f"it was trained on images as it is given them ({given}{unsaid}), and whether its classes "
        "are named in the order of its logits."
    )
