"""What must be said of a classifier that does no better than a guess: what it was fed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.report.values.model import Caveat
from adversity.report.words.reading import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import StepSummary

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
    best: dict[str, tuple[StepSummary, Measure]] = {}
    for step in steps:
        facts = step.plugin.get("facts", {})
        if step.makes != "predictions" or not isinstance(facts.get("input"), Mapping):
            continue
        key = json.dumps([step.uses, facts], sort_keys=True, default=str)
        for cell in step.cells:
            measure = cell.measures.get("accuracy")
            if measure and (key not in best or measure.value > best[key][1].value):
                best[key] = step, measure
    for step, measure in best.values():
        classes = step.plugin["facts"].get("classes")
        if is_number(classes, 2) and _is_a_guess(measure, 1 / classes):
            yield Caveat("warning", _sentence(step, measure, classes), step.id)


def _is_a_guess(measure: Measure, chance: float) -> bool:
    low = measure.value if measure.low is None else measure.low
    return low <= chance or measure.value <= min(2 * chance, NEAR)


def _sentence(step: StepSummary, measure: Measure, classes: float) -> str:
    facts: Mapping[str, Any] = step.plugin["facts"]
    given = ", ".join(f"{name} {value}" for name, value in facts["input"].items())
    unsaid = ", ".join(facts.get("by_default", ()))
    unsaid = f"; nobody has said {unsaid}, these are defaults" if unsaid else ""
    return (
        f"{step.id}: {step.uses} is right for {measure.value:.1%} of n = {measure.n} at best, and a "
        f"guess among its {classes:g} classes for {1 / classes:.1%}. See whether it was trained on "
        f"images as it is given them ({given}{unsaid}), and whether its classes are named in the "
        "order of its logits."
    )
