"""What is left after every attack that ever ran on the same victim and the same data.

Robust accuracy of one attack is what that attack left. The worst case checks, image by image,
whether any attack on record got inside the budget: this run's, those of earlier runs, and those
of other pipelines. An attack with a smaller budget, or one that looks for the nearest failure,
counts by the distance of what it found; so does one with a larger budget.

It is no second `engine.attack.rounds.worst_of`: that chooses which of two images to keep while
rounds run, also where neither fools; here all images are stored, and attacks that never met are
counted within a threat that need not be their own.

Reference: N. Carlini, A. Athalye, N. Papernot, W. Brendel, J. Rauber, D. Tsipras,
I. Goodfellow, A. Madry, A. Kurakin, "On evaluating adversarial robustness", 2019, which asks for
the best attack on each example rather than for the best attack on average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import NormBall, Parametric
from adversity.contracts.goal import goal_named
from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.summary.ledger import entries
from adversity.errors import StorageError
from adversity.metrics import grouped, worst_case_robust_accuracy, worst_case_success
from adversity.pipeline.plan.engine_measures import WORST_CASE, WORST_SUCCESS
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.contracts import Measure, Threat
    from adversity.contracts.goal import Goal
    from adversity.data.ledger import Entry, Ledger
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.report.values.model import StepSummary

__all__ = ["Recorded", "goal_of_entry", "threat_of", "threats", "with_worst_cases", "worst_case"]

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class _OfItsOwn(Parametric):
    """A threat of another sort than a norm: the ledger keeps its numbers, not its class.

    Attributes:
        largest: The `limit` that it stated.
    """

    largest: float

    @property
    def limit(self) -> float:
        """The largest size that is within `eps`."""
        return self.largest


@dataclass(frozen=True, slots=True)
class Recorded:
    """A threat as the ledger keeps it.

    Attributes:
        threat: What the adversary may do.
        space: What its parameters and sizes mean, where they are none of a norm: a hash of the
            plugin.
        plugin: Whose space it is, for people: `attack/spatial`.
    """

    threat: Threat
    space: str | None = None
    plugin: str = ""

    def admits(self, entry: Entry) -> Flags:
        """Return which images of an attack lie inside this threat, `[N]` bool."""
        rows, reached = entry.rows, self.reached(entry)
        bounds = self.threat.bounds if reached else {}
        parameters = {name: rows[f"parameter_{name}"] for name in bounds}
        # NaN, where nothing was attacked, lies within no bounds.
        inside = self.threat.admits(rows["distance"], parameters if reached else None)
        return np.asarray(inside & reached)

    def reached(self, entry: Entry) -> bool:
        """Say whether an attack looked for anything of this sort."""
        space = self.threat.in_norm, self.space
        return (entry.facts["norm"], entry.facts["space"]) == space

    def as_json(self) -> dict[str, Any]:
        """Return it as the details of a measure say it."""
        facts = self.threat.as_json()
        eps = {} if facts["eps"] is None else {"eps": facts["eps"]}
        if facts["norm"] is not None:
            return {"norm": facts["norm"], **eps}
        bounds = {"bounds": facts["bounds"]} if facts["bounds"] else {}
        return {"plugin": self.plugin, "space": self.space, **eps, **bounds}

    @property
    def order(self) -> tuple[object, ...]:
        """Norms first, then plugins; the smaller `eps` first."""
        threat = self.threat
        return threat.in_norm or "~", self.plugin, threat.eps or 0.0, tuple(threat.bounds.items())


def threat_of(entry: Entry) -> Recorded | None:
    """Return the threat that an attack stands for; None if any distance counts for it."""
    facts = entry.facts
    eps, bounds = facts["eps"], facts["bounds"]
    if eps is None and not bounds:
        return None
    if facts["norm"] is not None:
        return Recorded(NormBall(norm=facts["norm"], eps=float(eps)))
    ranges = tuple((name, (low, high)) for name, (low, high) in sorted(bounds.items()))
    largest = math.inf if facts["limit"] is None else facts["limit"]
    threat = _OfItsOwn(eps=eps, ranges=ranges, largest=largest)
    return Recorded(threat, facts["space"], facts["plugin"])


def goal_of_entry(entry: Entry) -> Goal:
    """Return what an attack was after; those of one page are after the same."""
    return goal_named(entry.facts.get("objective"))


def threats(page: Iterable[Entry]) -> tuple[Recorded, ...]:
    """Return the threats that the attacks of a page stand for, each once, smaller eps first."""
    distinct = {threat: None for entry in page if (threat := threat_of(entry)) is not None}
    return tuple(sorted(distinct, key=lambda threat: threat.order))


def worst_case(
    page: Sequence[Entry], threat: Recorded, *, now: frozenset[str] | None = None
) -> Measure | None:
    """Count the images that no attack of a page turned within a threat; of a decision, those that one did.

    Args:
        page: The entries of one victim on one version of the data.
        threat: What the adversary may do.
        now: Keys of the attacks that belong to this run; None where there is no run.

    Returns:
        The share of all images with a class that is left; of attacks on a decision the share of those
        that could be attacked with which one succeeded. None if no attack looked for such a failure,
        or there is nothing to count. `details` holds what `worst_case_robust_accuracy` or
        `worst_case_success` of `adversity.metrics` says, the `pipelines` that the attacks were first
        run in, how many are from `earlier` runs, and what was attacked.

    Raises:
        StorageError: If entries of one page hold different samples.
    """
    attacks = [entry for entry in page if threat.reached(entry)]
    if not attacks:
        return None
    _same_samples(attacks)
    goal = goal_of_entry(attacks[0])
    counted = _counted(attacks, goal)
    if not counted.any():
        return None
    # Machines may disagree about an image at the border: each time it is what is worse.
    both = np.logical_and if goal.of_answer else np.logical_or
    outcomes: dict[str, tuple[Flags, Flags]] = {}
    for name, group in _by_name(attacks, now or frozenset()).items():
        open_ = both.reduce([entry.rows[goal.open] for entry in group])
        fell = [entry.rows["wrong"] & threat.admits(entry) for entry in group]
        outcomes[name] = open_[counted], np.logical_or.reduce(fell)[counted]
    if goal.of_answer:
        measure = worst_case_robust_accuracy(outcomes)
        hit = np.logical_and.reduce([right & ~fell for right, fell in outcomes.values()])
    else:
        measure = worst_case_success(outcomes)
        hit = np.logical_or.reduce([open_ & fell for open_, fell in outcomes.values()])
    groups = next((entry.rows[GROUP][counted] for entry in attacks if GROUP in entry.rows), None)
    measure = grouped(measure, hit, groups)
    earlier = {} if now is None else {"earlier": len({e.attack for e in attacks} - now)}
    first = attacks[0]
    return replace(
        measure,
        convention={**measure.convention, "over": "every attack on record"},
        details={
            **measure.details,
            **earlier,
            "pipelines": sorted({entry.names["pipeline"] for entry in attacks}),
            "victim": first.victim,
            "data": first.data,
            "threat": threat.as_json(),
        },
    )


def _counted(attacks: Sequence[Entry], goal: Goal) -> Flags:
    """Return over which images it is counted, `[N]` bool: with a class, or open to any attack."""
    if goal.of_answer:
        return has_class(attacks[0].rows["label"])
    counted: Flags = np.logical_or.reduce([entry.rows[goal.open] for entry in attacks])
    return counted


def with_worst_cases(
    toolbox: Toolbox, summaries: Mapping[str, StepSummary], ledger: Ledger
) -> dict[str, StepSummary]:
    """Add the worst case to each cell of a white-box attack that has a budget.

    It is `worst_case_robust_accuracy`, of attacks on a decision `worst_case_success`. Its `details`
    have `entries` too: the names of the ledger's files that counted beside this run's attacks.

    What a grey-box attack found is a failure of the whole chain like any other, so it counts in
    the worst case of the others; its own step gets none, since no gate may rest on it.

    Args:
        toolbox: Of a finished run.
        summaries: Every step with what it measured.
        ledger: What was attacked before; this run's attacks count whether they are in it or not.

    Raises:
        StorageError: If a table or a file of the ledger is missing or damaged.
    """
    planned_steps = [planned for planned in toolbox.plan.steps.values() if planned.role == "attack"]
    ours = {
        planned.id: tuple(entries(toolbox.artifact(planned.id), toolbox.table(planned.id)))
        for planned in planned_steps
    }
    pages: dict[tuple[str, str], list[Entry]] = {}
    earlier: dict[tuple[str, str], list[tuple[str, Entry]]] = {}
    for entry in (entry for attacks in ours.values() for entry in attacks):
        pages.setdefault((entry.victim, entry.data), []).append(entry)
    for key, page in pages.items():
        there = {entry.content for entry in page}
        others = [entry for entry in ledger.page(*key) if entry.content not in there]
        earlier[key] = [(entry.name, entry) for entry in others]
        page += others
    now = frozenset(entry.attack for attacks in ours.values() for entry in attacks)
    result = dict(summaries)
    for planned in planned_steps:
        if planned.knowledge == "white-box":
            cells, called = [], WORST_CASE if planned.goal.of_answer else WORST_SUCCESS
            by_cell = {entry.names["cell"]: entry for entry in ours[planned.id]}
            for cell in summaries[planned.id].cells:
                entry = by_cell[cell_key(cell.cell)]  # the file keeps them in another order
                threat = threat_of(entry)
                key = entry.victim, entry.data
                measure = None if threat is None else worst_case(pages[key], threat, now=now)
                extra = {}
                if measure is not None and threat is not None:
                    counted = sorted(name for name, one in earlier[key] if threat.reached(one))
                    details = {**measure.details, "entries": counted}
                    extra = {called: replace(measure, details=details)}
                cells.append(replace(cell, measures={**cell.measures, **extra}))
            result[planned.id] = replace(summaries[planned.id], cells=tuple(cells))
    return result


def _by_name(page: Sequence[Entry], now: frozenset[str]) -> dict[str, list[Entry]]:
    """Group entries by attack (one may have run on several machines), under a name for people.

    They are called by step and cell, those of another pipeline with its name; where two attacks
    would share a name, the first digits of their keys distinguish them.
    """
    one = len({entry.names["pipeline"] for entry in page}) == 1
    groups: dict[str, list[Entry]] = {}
    for entry in page:
        groups.setdefault(entry.attack, []).append(entry)
    names = {key: _name(group[0], own=one or key in now) for key, group in groups.items()}
    often = [name for name in names.values() if list(names.values()).count(name) > 1]
    return {
        f"{names[key]} {key[:8]}" if names[key] in often else names[key]: group
        for key, group in sorted(groups.items(), key=lambda item: (names[item[0]], item[0]))
    }


def _name(entry: Entry, *, own: bool) -> str:
    cell = f"[{entry.names['cell']}]" if entry.names["cell"] else ""
    step = f"{entry.facts['step']}{cell}"
    return step if own else f"{entry.names['pipeline']}: {step}"


def _same_samples(page: Sequence[Entry]) -> None:
    first = page[0].rows["sample"]
    for entry in page[1:]:
        if not np.array_equal(first, entry.rows["sample"]):
            raise StorageError(
                f"the ledger of attacks: expected {entry.facts['step']} of "
                f"{entry.names['pipeline']} to have attacked the same {len(first)} samples as the "
                f"others on its page, got {len(entry.rows['sample'])}; delete the folder "
                f"{entry.victim[:16]}/{entry.data[:16]} of the ledger and run the attacks again"
            )
