"""Who gives an answer: the network, the members, draws and calibrators behind a step.

What was fitted on the answers of one holds for no other: a threshold on probabilities that were
not calibrated says nothing of those that are.
"""

from __future__ import annotations

import dis
from types import FunctionType
from typing import TYPE_CHECKING

from adversity.contracts import Combine, PostHoc, Sampling
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["answerer", "members_behind", "networks_of"]

_RNG = 2
"""Which argument of `fit(self, data, rng)` the generator is."""


def answerer(id_: str, steps: Mapping[str, PlannedStep]) -> Hashable:
    """Return what the answers of a step hang on but the images; equal for the same answerer.

    Args:
        id_: A step that leaves predictions or scores.
        steps: Of the plan.
    """
    planned = steps.get(id_)
    if planned is None:
        return id_
    cls = class_of(planned.entry)
    if planned.role == "predict":
        return (_plugins(planned, steps), _mask(planned, steps))
    if issubclass(cls, Combine):
        members = tuple(answerer(name, steps) for name in planned.source)
        return (_plugins(planned, steps), planned.over, members)
    before = answerer(planned.upstream, steps) if planned.source else None
    answers = issubclass(cls, PostHoc | Sampling)
    return (_plugins(planned, steps), before) if answers else before


def networks_of(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> Hashable:
    """Return which networks a step asks, in its cells; equal for the same, whatever the classes."""
    return _plugins(planned, steps)


def _mask(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> Hashable:
    """Return which classes are left: of `data` it is the data set that says it."""
    classes: Hashable = planned.options.get("classes")
    if classes != "data":
        return classes
    start = planned.upstream
    while start in steps:
        start = steps[start].upstream
    return (classes, start)


def members_behind(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> Hashable:
    """Return who the members of a step that combines are; equal for the same, in the same order."""
    members = []
    for name in planned.source:
        varies = steps[name].variables if name in steps else ()
        folded = tuple(variable for variable in planned.over if variable in varies)
        members.append((answerer(name, steps), folded))
    return tuple(members)


def _plugins(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> Hashable:
    """Return the plugins of a step with their parameters, and what fitted them."""
    definition = steps.get(planned.definition, planned)
    plugins = frozenset(
        (planned.entry_of(cell).qualified, plugin.fingerprint)
        for cell, plugin in planned.plugins.items()
    )
    if definition.fit_on is None:
        return (plugins, None)
    return (plugins, definition.id if _drawn(definition) else _learnt(definition))


def _drawn(definition: PlannedStep) -> bool:
    """Say whether what is fitted may hang on draws, whose stream the id of the step is part of.

    Two such steps that are written alike are two networks: what was fitted on the answers of one
    holds for the other no more than with another seed.
    """
    cls = class_of(definition.entry)
    answers = cls.describes.role in ("predict", "regress")
    drawn = "seed" in cls.model_fields or _may_draw(getattr(cls, "fit", None))
    return answers or definition.bootstrap is not None or drawn


def _may_draw(fit: object) -> bool:
    """Say whether the code of a `fit` ever reads the generator that it is given.

    The stream of the step is the one source of draws that a fit has. What cannot be looked into,
    as a wrapped function, may draw.
    """
    if not isinstance(fit, FunctionType) or fit.__code__.co_argcount < _RNG + 1:
        return True
    rng = fit.__code__.co_varnames[_RNG]
    reads = (step for step in dis.get_instructions(fit) if step.opname.startswith("LOAD"))
    # Some versions of Python load two names by one instruction.
    return any(rng in (one if isinstance(one := step.argval, tuple) else (one,)) for step in reads)


def _learnt(definition: PlannedStep) -> Hashable:
    """Return what a fit without draws hangs on, beside its plugin."""
    return (tuple(sorted((definition.fit_on or {}).items())), definition.weights)
