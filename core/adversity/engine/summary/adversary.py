"""What the adversary of an attack step may do, and what it knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adversity.report.words.wording import eps_text

if TYPE_CHECKING:
    from adversity.contracts import Threat
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["adversary_facts"]


def adversary_facts(toolbox: Toolbox, planned: PlannedStep) -> dict[str, Any]:
    """Return what an attack may do and knows; nothing for other steps."""
    if planned.role != "attack":
        return {}
    plugin: Any = toolbox.plugin(planned.id, planned.cells[0])
    threat = _widest(toolbox, planned)
    sees = {
        "type": threat.word,
        "access": plugin.access,
        "control": plugin.control,
        "targeted": plugin.is_targeted,
    }
    sees |= {} if planned.goal.of_answer else {"objective": planned.goal.name}
    written = toolbox.plan.spec.steps[planned.id].parameters.get("eps", threat.eps)
    eps = None if written is None or threat.scale is None else str(written)
    return {
        "knowledge": planned.knowledge,
        "threat": sees | _measured(threat) | ({} if eps is None else {"eps": eps}),
        "budget": _budget(toolbox, planned, threat, eps),
    }


def _measured(threat: Threat) -> dict[str, Any]:
    """Return what sizes and parameters of a threat are."""
    record: dict[str, Any] = {"nearest": True} if threat.nearest else {}
    if threat.bounds:
        record["bounds"] = {name: [float(a), float(b)] for name, (a, b) in threat.bounds.items()}
    if threat.in_norm:
        record["norm"] = threat.in_norm
    elif threat.scale is not None:
        record |= {"norm": threat.word, "measure": threat.measured}
    return record


def _widest(toolbox: Toolbox, planned: PlannedStep) -> Threat:
    """Return the threat of the first cell, with bounds as wide as those of all cells."""
    plugins: list[Any] = [toolbox.plugin(planned.id, cell) for cell in planned.cells]
    others: list[Threat] = [plugin.threat_model for plugin in plugins]
    threat = others.pop(0)
    for other in others:
        threat = threat.widest(other)
    return threat


def _budget(toolbox: Toolbox, planned: PlannedStep, threat: Threat, eps: str | None) -> str:
    """Say how much it may change an image; a variable of the matrix stands for all its values."""
    values: tuple[str, ...] = () if eps is None else (eps,)
    if eps is not None and eps.startswith("$"):
        values = toolbox.plan.matrix.get(eps[1:], ())
    parameters = {
        json.dumps(toolbox.plugin(planned.id, cell).parameters, sort_keys=True)
        for cell in planned.cells
    }
    where = ", at the widest of its cells" if len(parameters) > 1 else ""
    sizes = ", ".join(eps_text(value, threat.in_norm) for value in values)
    return threat.words(sizes, where if threat.bounds else "")
