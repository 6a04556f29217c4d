"""What classifiers and regressors say of themselves, for each one that a step uses in its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.model import StepSummary

__all__ = ["with_facts"]


def with_facts(toolbox: Toolbox, steps: Iterable[StepSummary]) -> tuple[StepSummary, ...]:
    """Return steps with the facts of their classifiers: of each, where its cells have several."""
    asked: dict[tuple[str, str], dict[str, Any]] = {}
    return tuple(_with_facts(toolbox, summary, asked) for summary in steps)


def _with_facts(
    toolbox: Toolbox, summary: StepSummary, asked: dict[tuple[str, str], dict[str, Any]]
) -> StepSummary:
    planned, definition = toolbox.plan.steps[summary.id], toolbox.definition_of(summary.id)
    if class_of(planned.entry).describes.role not in ("predict", "regress"):
        return summary
    models = []
    for cells in _by_model(toolbox, summary.id):
        own = definition.own(cells[0])
        if (definition.id, own.key) not in asked:
            asked[definition.id, own.key] = _facts(toolbox, definition, own)
        models.append(_model(definition, cells, asked[definition.id, own.key]))
    said = {"facts": models[0]["facts"]} if len(models) == 1 else {"models": models}
    return replace(summary, plugin={**summary.plugin, **said})


def _facts(toolbox: Toolbox, definition: PlannedStep, own: Cell) -> dict[str, Any]:
    """Ask a classifier what it is; one of several is not kept, for there may be many."""
    if len(definition.cells) == 1:
        return toolbox.ready(definition.id, own).facts
    state = toolbox.state(definition.id, own) if definition.fit_on is not None else None
    return toolbox.bare(definition.id, own, state=state).facts


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


def _model(
    definition: PlannedStep, cells: Sequence[Cell], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a classifier is, the values of its own variables that its cells share, its facts."""
    own = [definition.own(cell) for cell in cells]
    shared = set(own[0].values).intersection(*(cell.values for cell in own))
    entry = definition.entry_of(own[0])
    return {
        "uses": f"{entry.kind}/{entry.name}",
        "cell": dict(value for value in own[0].values if value in shared),
        "facts": facts,
    }
