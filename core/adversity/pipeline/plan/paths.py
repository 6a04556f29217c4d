"""Ways through the graph of steps, following `from:`; for steps as read and as resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adversity.pipeline.plan.model import Plan, PlannedStep

__all__ = ["HasSource", "ancestors", "makers", "reached", "read_by", "rests_on", "way_to"]


class HasSource(Protocol):
    """What comes from other steps or data sets."""

    @property
    def source(self) -> tuple[str, ...]:
        """The ids that `from:` names."""
        ...


def reached(start: Iterable[str], near: Callable[[str], Iterable[str]]) -> frozenset[str]:
    """Return these ids and all that they lead to, from one to those near it.

    Args:
        start: Where the way begins.
        near: Says which ids one leads to.
    """
    names: set[str] = set()
    waiting = [*start]
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting.extend(near(name))
    return frozenset(names)


def makers(plan: Plan) -> Callable[[str], Iterable[str]]:
    """Return what says of a step, or a data set, which of them made the files that its stage reads."""
    by_out = {stage.out: stage.step for stage in plan.stages}

    def of(step: str) -> Iterable[str]:
        return (by_out[dep] for dep in plan.stage(step).deps if dep in by_out)

    return of


def ancestors(id_: str, steps: Mapping[str, HasSource]) -> frozenset[str]:
    """Return all steps and data sets that `id_` comes from."""
    return reached((id_,), lambda name: steps[name].source if name in steps else ()) - {id_}


def read_by(id_: str, steps: Mapping[str, PlannedStep]) -> frozenset[str]:
    """Return a step and all whose images or rows go into its figures, those compared with, too."""
    return reached((id_,), lambda name: steps[name].reads if name in steps else ())


def rests_on(id_: str, steps: Mapping[str, PlannedStep]) -> frozenset[str]:
    """Return a step and all steps and data sets that its work hangs on, plugins and fits as well."""

    def near(name: str) -> Iterable[str]:
        if name not in steps:
            return ()
        one = steps[name]
        others = (one.definition, one.against, *one.fitted_by, *one.source, *one.nested)
        return (other for other in others if other is not None)

    return reached((id_,), near)


def way_to(id_: str, steps: Mapping[str, HasSource]) -> tuple[str, ...]:
    """Return the ids from the data set to `id_`, data set first, by the first `from:`."""
    way = [id_]
    while way[-1] in steps and steps[way[-1]].source:
        way.append(steps[way[-1]].source[0])
    return tuple(reversed(way))
