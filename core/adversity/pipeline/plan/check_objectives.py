"""The rules of attacks on a decision, `objective:`: what must stand behind the answer, and who can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import Decide
from adversity.pipeline.plan.nested import all_nested
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["ObjectiveRules"]

Finding = tuple[str, str]
"""The key under the step, and the message."""
_OF_A_DECISION = 2


class ObjectiveRules:
    """Checks attacks that are after the decision whether to accept an answer."""

    def __init__(self, steps: Mapping[str, PlannedStep]) -> None:
        """Look at steps that are resolved; a faulty one is missing, and was complained of."""
        self._steps = steps

    def rules(self, planned: PlannedStep, _spec: StepSpec) -> Iterator[Finding]:
        """Yield what is wrong with such an attack; nothing of others."""
        if planned.role != "attack" or planned.goal.of_answer:
            return
        name, label = planned.goal.name, planned.entry.label
        attacks: list[Any] = planned.plugins_of(planned.entry)
        if any(plugin.is_targeted for plugin in attacks):
            yield (
                "with",
                (
                    f"objective: {name} has nothing else to aim at, an answer is accepted or rejected: "
                    f"expected an untargeted attack, got {label} with targeted: true"
                ),
            )
        least = max(plugin.least_classes for plugin in attacks)
        if least > _OF_A_DECISION:
            yield (
                "with",
                (
                    f"objective: {name} attacks a decision, which has {_OF_A_DECISION} classes, accept and "
                    f"reject: expected {label} with parameters that need no more, got some that need "
                    f"{least}; give it another loss, or take another attack"
                ),
            )
        if planned.knowledge != "white-box":
            yield (
                "knowledge",
                (
                    f"objective: {name} attacks a decision, and a {planned.knowledge} attacker computes on "
                    "the classifier alone, where nothing is decided: expected white-box"
                ),
            )
        rule = self._steps.get(str(planned.against))
        if rule is not None and rule.role == "score":
            yield from self._decided(planned, rule)
        elif rule is not None and rule.role == "predict":
            yield "against", _no_decision(name, rule)

    def _decided(self, planned: PlannedStep, rule: PlannedStep) -> Iterator[Finding]:
        """Check that the step decides, says by how much, and how an attack by gradients gets there."""
        name, cls = planned.goal.name, class_of(rule.entry)
        if not issubclass(cls, Decide) or cls.decides != "accept":
            yield "against", _no_decision(name, rule)
            return
        if cls.margin is Decide.margin:
            yield (
                "against",
                (
                    f"{rule.entry.label} does not say by how much it accepts an answer, `margin`: expected "
                    f"a method that does, as uncertainty/threshold, for objective: {name}"
                ),
            )
            return
        access = getattr(class_of(planned.entry), "access", "")
        if access == "structure":
            yield (
                "uses",
                (
                    f"{planned.entry.label} goes by what a classifier is made of, and a decision has no such "
                    f"structure: for objective: {name} use an attack by gradients, scores or decisions "
                    "(pgd, square, hop_skip_jump)"
                ),
            )
        rough = _without_gradient(rule)
        if access == "gradients" and rough is not None:
            yield (
                "uses",
                (
                    f"{planned.entry.label} follows gradients, and {rough} of {rule.id} has none: for "
                    f"objective: {name} use an attack by scores or decisions (square, nes, hop_skip_jump, "
                    "boundary)"
                ),
            )


def _no_decision(name: str, rule: PlannedStep) -> str:
    return (
        f"objective: {name} attacks what accepts answers or rejects them, and {rule.id} "
        f"({rule.entry.label}) does neither; name a step that does, such as uncertainty/threshold, or "
        "drop objective:"
    )


def _without_gradient(rule: PlannedStep) -> str | None:
    """Return what of a deciding step has no gradient: the method, or a score that it goes by."""
    for plugin in rule.plugins.values():
        for each in (plugin, *(nested.plugin for nested in all_nested(plugin))):
            if not each.differentiable:
                return f'uncertainty "{each.name}"'
    return None
