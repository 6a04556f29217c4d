"""Attacks of one plan compared sample by sample: which figures are too good to be believed.

An attack that follows gradients should fool what one without them fools, and what one fools that
knows less; with more budget what it fooled with less, and with more steps or restarts what it
fooled with fewer. Each sample for which that does not hold shows that the attack failed, and not
that the sample is robust. The comparisons need several steps or cells, so they belong to no stage:
they are made from the stored tables whenever a run is summed up.

Reference: N. Carlini, A. Athalye, N. Papernot, W. Brendel, J. Rauber, D. Tsipras,
I. Goodfellow, A. Madry, A. Kurakin, "On evaluating adversarial robustness", 2019, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.nested import nested_in
from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.metrics import grouped, share
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adversity.contracts import Measure, Threat
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.model import StepSummary

__all__ = ["with_comparisons"]

_BLACK_BOX = frozenset({"nothing", "decisions", "scores"})
_EFFORTS = ("steps", "restarts")
"""Parameters of which more must not find less."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an attack did in one cell.

    Attributes:
        planned: The step.
        cell: One of its cells.
        victim: The cell as far as the attacked images and the victim depend on it.
        plugin: The attack.
        ids: `[N]` sample ids, sorted.
        right: `[N]` bool, open to the attack: for most, right at the start.
        fooled: `[N]` bool, its aim was reached.
        distance: `[N]` float64 in the attack's norm.
        groups: `[N]` names or None, where the samples come in groups.
    """

    planned: PlannedStep
    cell: Cell
    victim: Cell
    plugin: Any
    ids: np.ndarray[Any, Any]
    right: np.ndarray[Any, Any]
    fooled: np.ndarray[Any, Any]
    distance: np.ndarray[Any, Any]
    groups: np.ndarray[Any, Any] | None = None

    @property
    def name(self) -> str:
        """The step, and the cell where it has several."""
        return f"{self.planned.id}[{self.cell.key}]" if self.cell.key else self.planned.id

    @property
    def threat(self) -> Threat:
        """What it may do."""
        threat: Threat = self.plugin.threat_model
        return threat

    def no_larger(self, other: _Outcome) -> bool:
        """Say whether it may do no more than another, measured with the same plugins if any."""
        if self.threat.in_norm is None:
            ours, theirs = ([part.spelt for part in nested_in(o.plugin)] for o in (self, other))
            if ours != theirs:
                return False
        return self.threat.no_larger(other.threat)

    def same_victim(self, other: _Outcome) -> bool:
        """Say whether both attack the same answer to the same images, and are after the same."""
        ours, theirs = (
            (o.planned.source, o.planned.against, o.planned.goal, o.victim) for o in (self, other)
        )
        return ours == theirs and np.array_equal(self.ids, other.ids)

    def differs_only_in(self, name: str, other: _Outcome) -> bool:
        """Say whether both are the same attack but for one parameter."""
        ours, theirs = dict(self.plugin.parameters), dict(other.plugin.parameters)
        here, there = ours.pop(name, None), theirs.pop(name, None)
        same = (
            self.planned.entry.cls is other.planned.entry.cls
            and self.planned.knowledge == other.planned.knowledge
        )
        return same and here is not None and there is not None and here != there and ours == theirs


def with_comparisons(
    toolbox: Toolbox, summaries: Mapping[str, StepSummary]
) -> dict[str, StepSummary]:
    """Add what the other attacks of the plan say of each white-box attack that uses gradients.

    To the cells of such a step come, over the samples that were right at the start and with
    Wilson's interval: `beaten_by_black_box_share`, what it left standing and an attack without
    gradients fooled within the same budget; `beaten_by_grey_box_share`, the same of an attack
    that does not know the whole chain; `fooled_with_less_share`, what the same attack
    fooled with a smaller `eps`; `weaker_with_more_share`, what it fooled with fewer `steps` or
    `restarts`. A share is left out where the plan has nothing to compare with, so that a gate
    on it cannot pass untried; so it is where an attack in rounds stopped before its end, since a
    gate was decided: what it left standing shows nothing then.

    Args:
        toolbox: Of a finished run.
        summaries: Every step with what it measured.

    Raises:
        StorageError: If a table is missing or damaged.
    """
    plan, steps = toolbox.plan, dict(summaries)
    subjects = [planned for planned in plan.steps.values() if _judged(planned)]
    if not subjects:
        return steps
    outcomes = [
        outcome
        for planned in plan.steps.values()
        if planned.role == "attack"
        for outcome in _outcomes(toolbox, planned)
    ]
    stopped = {
        (id_, cell_key(cell.cell))
        for id_, summary in steps.items()
        for cell in summary.cells
        if any(measure.details.get("stopped_after") for measure in cell.measures.values())
    }
    added = {
        key: {} if key in stopped else _compared(o, outcomes)
        for o in outcomes
        if _judged(o.planned)
        for key in [(o.planned.id, o.cell.key)]
    }
    for planned in subjects:
        pairs = zip(planned.cells, steps[planned.id].cells, strict=True)
        cells = tuple(
            replace(result, measures={**result.measures, **added[planned.id, cell.key]})
            for cell, result in pairs
        )
        steps[planned.id] = replace(steps[planned.id], cells=cells)
    return steps


def _judged(planned: PlannedStep) -> bool:
    """Say whether a step is an attack that sees the whole chain and more than its answers."""
    cls: Any = planned.entry.cls
    sees = planned.role == "attack" and planned.knowledge == "white-box"
    return sees and cls.access not in _BLACK_BOX and not cls.control


def _outcomes(toolbox: Toolbox, planned: PlannedStep) -> Iterator[_Outcome]:
    names = toolbox.plan.victim(planned.id).end.variables
    for cell in planned.cells:
        rows = stored_rows(toolbox, planned.id, cell)
        yield _Outcome(
            planned,
            cell,
            cell.restrict(names),
            toolbox.plugin(planned.id, cell),
            rows["id"],
            rows[planned.goal.open].astype(bool),
            rows[planned.goal.reached].astype(bool),
            rows["distance"],
            rows.get(GROUP),
        )


def _compared(outcome: _Outcome, outcomes: Iterable[_Outcome]) -> dict[str, Measure]:
    others = [o for o in outcomes if o.name != outcome.name and outcome.same_victim(o)]
    shares = {
        "beaten_by_black_box_share": _share(outcome, [o for o in others if _rival(outcome, o)]),
        "beaten_by_grey_box_share": _share(
            outcome,
            [o for o in others if o.planned.knowledge == "grey-box" and _no_larger(outcome, o)],
        ),
        "fooled_with_less_share": _share(
            outcome,
            [o for o in others if _smaller(o, outcome) and outcome.differs_only_in("eps", o)],
        ),
        "weaker_with_more_share": _share(
            outcome, [o for o in others if any(_easier(outcome, o, name) for name in _EFFORTS)]
        ),
    }
    return {name: measure for name, measure in shares.items() if measure is not None}


def _rival(outcome: _Outcome, other: _Outcome) -> bool:
    """Say whether an attack has no gradient, and no more budget than this one."""
    cls: Any = other.planned.entry.cls
    return cls.access in _BLACK_BOX and _no_larger(outcome, other)


def _no_larger(outcome: _Outcome, other: _Outcome) -> bool:
    """Say whether another attack has no more budget, in the same norm, than this one.

    One without a budget of its own counts as well: what it finds is compared by distance. What
    a targeted attack must find is more than that an answer changes, so it is not compared.
    """
    return other.no_larger(outcome) and not outcome.plugin.is_targeted


def _smaller(first: _Outcome, second: _Outcome) -> bool:
    return first.threat.limit < second.threat.limit


def _easier(outcome: _Outcome, other: _Outcome, name: str) -> bool:
    return outcome.differs_only_in(name, other) and bool(
        getattr(other.plugin, name) < getattr(outcome.plugin, name)
    )


def _share(outcome: _Outcome, others: list[_Outcome]) -> Measure | None:
    """Count the samples that stood here and fell, within this budget, in one of the others."""
    count = int(outcome.right.sum())
    if not others or not count:
        return None
    stood = outcome.right & ~outcome.fooled
    fell = {other.name: stood & other.fooled & _inside(outcome, other) for other in others}
    hits = np.logical_or.reduce(list(fell.values()))
    measure = share(
        int(hits.sum()),
        count,
        better="lower",
        convention={"over": "attacked images"},
        details={"by": {name: int(rows.sum()) for name, rows in fell.items()}},
    )
    groups = None if outcome.groups is None else outcome.groups[outcome.right]
    return grouped(measure, hits[outcome.right], groups)


def _inside(outcome: _Outcome, other: _Outcome) -> np.ndarray[Any, Any]:
    """Return which of the other's images lie within this attack's budget."""
    return np.asarray(outcome.threat.admits(other.distance))
