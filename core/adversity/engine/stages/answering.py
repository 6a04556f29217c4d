"""Who answers at the end of an attack's victim: its classifier, or those of all members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.pipeline.plan.routes import every, route_of

if TYPE_CHECKING:
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep
    from adversity.pipeline.plan.routes import Placed

__all__ = ["answering", "probability_notes"]


def answering(plan: Plan, victim: Chain, cell: Cell) -> list[Placed]:
    """Return the classifiers of a victim in a cell, each in the cell that is its own."""
    route = route_of(victim, cell, plan.steps)
    return [placed for placed in every(route) if placed.step.role == "predict"]


def probability_notes(toolbox: Toolbox, planned: PlannedStep, victim: Chain) -> list[str]:
    """Say where an attack that needs logits gets the logarithm of probabilities."""
    attack: Any = planned.entry.cls
    if attack.access not in ("scores", "gradients"):
        return []
    classifiers = {
        placed.step.id: toolbox.ready(placed.step.id, placed.cell).plugin
        for placed in answering(toolbox.plan, victim, planned.cells[0])
    }
    return [
        f"{step} gives probabilities, not logits: the attack works on their logarithm, "
        "which is flat where float32 has rounded a probability to 0 or 1; a victim that "
        "gives logits shows more of itself"
        for step, classifier in classifiers.items()
        if classifier.gives == "probs"
    ]
