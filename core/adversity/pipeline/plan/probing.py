"""Which attacks can be probed, and what a probe measures of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from adversity.contracts.goal import GOALS

if TYPE_CHECKING:
    from adversity.contracts import PluginBase
    from adversity.contracts.goal import Goal

__all__ = ["PROBES", "probe_fault", "probe_measures", "unprobed"]


class Probe(NamedTuple):
    """How a probe is made: the attack's parameter that is changed, the column it fills, and of whom.

    The column holds 1 or 0, NaN for a sample that is not probed.
    """

    parameter: str
    column: str
    of: Literal["all", "answers", "decisions"] = "all"
    """Which attacks have it: all, those on the answer, or those on a decision."""


PROBES = {
    "full_budget_accuracy": Probe("eps", "full_budget_correct", "answers"),
    "full_budget_withstood_share": Probe("eps", "full_budget_withstood", "decisions"),
    "more_steps_gain_share": Probe("steps", "more_steps_fooled"),
    "more_restarts_gain_share": Probe("restarts", "more_restarts_fooled"),
}
"""What is measured, and how."""
_ANSWER = GOALS["misclassify"]


def probe_measures(cls: type[PluginBase], goal: Goal = _ANSWER) -> tuple[str, ...]:
    """Return what a probe of an attack measures: what its class has the parameters for.

    Args:
        cls: The attack's class.
        goal: What the attack is after.
    """
    own = ("all", "answers" if goal.of_answer else "decisions")
    return tuple(
        name
        for name, probe in PROBES.items()
        if probe.of in own and probe.parameter in cls.model_fields
    )


def probe_fault(cls: Any, knowledge: str) -> str | None:
    """Say why an attack cannot be probed; None where it can.

    Args:
        cls: The attack's class.
        knowledge: `white-box` or `grey-box`.
    """
    wants = "a probe tests whether following the gradient failed"
    if cls.control:
        return f"{wants}, and a control follows none"
    if cls.access != "gradients":
        return f"{wants}, and this attack queries its victim for {cls.access}"
    if knowledge != "white-box":
        return f"{wants} through the whole chain, and a {knowledge} attack does not see it"
    if not cls.threat_class().knows_space:
        return (
            "a probe widens the budget to the whole space of images, and this attack's threat does "
            "not say how large that is"
        )
    if not probe_measures(cls):
        fields = ", ".join(dict.fromkeys(probe.parameter for probe in PROBES.values()))
        return f"a probe changes {fields}, and this attack has none of these parameters"
    return None


def unprobed(
    metric: str, cls: type[PluginBase], probe: int | None, goal: Goal = _ANSWER
) -> str | None:
    """Say why a step will not have a measure of a probe; None where it will, or it is none.

    Args:
        metric: What a gate names.
        cls: The step's plugin.
        probe: How many samples the step probes; None for none.
        goal: What the step is after, if it is an attack.
    """
    if metric not in PROBES:
        return None
    if probe is None:
        return f"{metric} is measured where the step says probe: N; it does not"
    if PROBES[metric].of == ("decisions" if goal.of_answer else "answers"):
        other = "an attack on a decision" if goal.of_answer else "an attack on the answer"
        return f"{metric} is of {other}, and this one has objective: {goal.name}"
    if metric not in probe_measures(cls, goal):
        return f"{metric} needs an attack with the parameter {PROBES[metric].parameter}; this one has none"
    return None
