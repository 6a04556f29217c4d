"""What each step stands for where methods are compared: its method, and what that is tested under.

A method is what a user may choose: the restoration, the classifier, the calibrator. What it is
tested under is given: the data set, the degradation, the attack. The variables of the matrix are
told apart in the same way, and seeds, which are neither, by themselves.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.report.values.compared import CONDITION, METHOD, SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adversity.pipeline.plan.model import Plan, PlannedStep
    from adversity.report.values.compared import Side
    from adversity.report.values.model import StepSummary

__all__ = ["sides_of", "with_methods"]

_GIVEN = ("degradation", "attack")
"""Kinds that a method is tested under."""
_NONE = "none"


def sides_of(plan: Plan) -> dict[str, Side]:
    """Say of each variable of the matrix whether it is a method, a condition or a seed.

    A seed stands in nothing but `with: {seed: ...}` and `bootstrap:`. A condition stands in a
    degradation, an attack or the `rev:` of a data set; all else is a method.
    """
    return {name: _side(plan, name) for name in plan.matrix}


def _side(plan: Plan, name: str) -> Side:
    places = [
        (plan.steps[id_].entry.kind, key)
        for id_, step in plan.spec.steps.items()
        for key, value in _written(step)
        if f"${name}" in json.dumps(value, default=str)
    ]
    if any(one.rev == f"${name}" for one in plan.spec.data.values()):
        return CONDITION
    if places and all(key in ("seed", "bootstrap") for _, key in places):
        return SEED
    return CONDITION if any(kind in _GIVEN for kind, _ in places) else METHOD


def _written(step: Any) -> Iterator[tuple[str, Any]]:
    """Yield where a variable may stand: `uses`, `bootstrap` and each parameter."""
    yield "uses", step.uses
    yield "bootstrap", step.bootstrap
    yield from step.parameters.items()


def with_methods(plan: Plan, steps: Iterable[StepSummary]) -> tuple[StepSummary, ...]:
    """Add to each step that is measured what its method is, and what it is tested under."""
    names = _Names(plan)
    return tuple(
        replace(step, method=method, condition=condition)
        for step in steps
        for method, condition in [_facets(plan, plan.steps[step.id], names)]
    )


def _facets(
    plan: Plan, planned: PlannedStep, names: _Names
) -> tuple[dict[str, str], dict[str, str]]:
    if not (planned.source and planned.is_measured):
        return {}, {}
    seen = list(plan.chain(planned.id).links)
    if planned.role == "attack":
        # Its images come from `from:`; whose answer they change says what the method is.
        seen = [*seen, *plan.victim(planned.id).links]
    kinds: dict[str, list[str]] = {}
    for link in seen:
        kind = link.entry.kind
        if kind != "metric":
            kinds.setdefault(kind, []).append(names.of(link))
    told = {kind: " + ".join(dict.fromkeys(found)) for kind, found in kinds.items()}
    data = {"data": plan.chain(planned.id).start}
    given = {kind: told.pop(kind, _NONE) for kind in _GIVEN}
    return {"restoration": _NONE, **told}, {**data, **given}


class _Names:
    """Names of steps as a reader knows them: the plugin's, or the step's where that is shared.

    Two steps with the same plugin, parameters and fit are one method on two paths, under the name
    of the plugin; where another step has the plugin with other parameters, under that of the first.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._first: dict[str, str] = {}
        self._of_plugin: dict[str, set[str]] = {}
        for id_, step in plan.steps.items():
            if step.definition == id_:
                self._first.setdefault(self._identity(step), id_)
                self._of_plugin.setdefault(self._plugin(step), set()).add(self._identity(step))

    def of(self, link: PlannedStep) -> str:
        """Return the name of what a link does."""
        definition = self._plan.steps[link.definition]
        if len(self._of_plugin[self._plugin(definition)]) == 1:
            return self._plugin(definition).partition("/")[2]
        return self._first[self._identity(definition)]

    def _plugin(self, step: PlannedStep) -> str:
        return self._plan.uses(step.id)

    def _identity(self, step: PlannedStep) -> str:
        """Return all that makes two steps the same method."""
        spec = self._plan.spec.steps[step.id]
        facts: list[Any] = [self._plugin(step), dict(spec.parameters), step.fit_on, spec.bootstrap]
        facts += [step.knowledge, dict(step.options)]
        return json.dumps(facts, sort_keys=True, default=str)
