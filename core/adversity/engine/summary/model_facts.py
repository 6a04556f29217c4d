"""What classifiers say of themselves, for each one that a step uses in its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell
    from adversity.report.values.model import StepSummary

__all__ = ["with_facts"]


def with_facts(toolbox: Toolbox, summary: StepSummary) -> StepSummary:
    """Return a step with the facts of its classifier, or of each, where its cells have several."""
    planned = toolbox.plan.steps[summary.id]
    if class_of(planned.entry).makes != "predictions":
        return summary
    models = [_model(toolbox, summary.id, cells) for cells in _by_model(toolbox, summary.id)]
    said = {"facts": models[0]["facts"]} if len(models) == 1 else {"models": models}
    return replace(summary, plugin={**summary.plugin, **said})


def _by_model(toolbox: Toolbox, step: str) -> list[list[Cell]]:
    """Return the cells of a step, those together that have the same classifier."""
    planned, definition = toolbox.plan.steps[step], toolbox.definition_of(step)
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in planned.cells:
        fitted = definition.own(cell).key if definition.fit_on is not None else ""
        plugin = toolbox.plugin(step, cell)
        key = (planned.entry_of(cell).qualified, plugin.fingerprint, fitted)
        groups.setdefault(key, []).append(cell)
    return list(groups.values())


def _model(toolbox: Toolbox, step: str, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what a classifier is, the values that its cells share, and its facts."""
    definition, entry = toolbox.definition_of(step), toolbox.plan.steps[step].entry_of(cells[0])
    own = definition.own(cells[0])
    state = toolbox.state(definition.id, own) if definition.fit_on is not None else None
    ready = toolbox.bare(definition.id, own, state=state)  # not kept: there may be many
    shared = set(cells[0].values).intersection(*(cell.values for cell in cells))
    return {
        "uses": f"{entry.kind}/{entry.name}",
        "cell": dict(value for value in cells[0].values if value in shared),
        "facts": ready.facts,
    }
