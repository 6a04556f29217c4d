"""What is left after every attack on record: the worst case, image by image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adversity.report.values.blocks import Block, Table, Text
from adversity.report.values.threat import NORMS, goal_of, objective_words
from adversity.report.words.wording import NOTHING, eps_text, measure_text, plain, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import StepSummary

__all__ = ["found_alone", "threat_words", "worst_cases"]


def worst_cases(attacks: Sequence[StepSummary]) -> list[Block]:
    """Tabulate the worst case once for each victim, version of the data, and budget.

    Attacks on the answer and those on a decision have a table each: one counts what is left, the
    other what fell.
    """
    answers = [step for step in attacks if goal_of(step).of_answer]
    decisions = [step for step in attacks if not goal_of(step).of_answer]
    return [
        *_blocks(answers, _LEFT, "worst-cases", "What is left after every attack on record."),
        *_blocks(
            decisions, _FELL, "worst-successes", "What fell to any attack on a decision on record."
        ),
    ]


_LEFT = (
    "The robust accuracy of an attack is what that attack left. Here an image counts as "
    "robust only if no attack on record turned it within the budget: those of this run, of "
    "earlier runs and of other pipelines on the same victim and the same data. It is the most "
    "that may be claimed; one more attack can only lower it."
)
_FELL = (
    "The success of an attack on a decision is what that attack found. Here an image counts as "
    "fallen if any attack on record with the same objective fooled the decision within the "
    "budget: those of this run, of earlier runs and of other pipelines on the same victim and the "
    "same data. It is the least that must be expected; one more attack can only raise it."
)


def _blocks(attacks: Sequence[StepSummary], text: str, key: str, title: str) -> list[Block]:
    """Return the words and the table for attacks that are after the same sort of thing."""
    by_facts: dict[str, tuple[StepSummary, Measure]] = {}
    for step in attacks:
        for cell in step.cells:
            for measure in cell.measures.values():
                if measure.info.group != "worst case":
                    continue
                facts = [measure.details.get(name) for name in ("victim", "data", "threat")]
                by_facts.setdefault(json.dumps(facts, sort_keys=True), (step, measure))
    if not by_facts:
        return []
    victims = list(dict.fromkeys(measure.details.get("victim") for _, measure in by_facts.values()))

    def by_budget(item: tuple[StepSummary, Measure]) -> tuple[int, float]:
        details = item[1].details
        return victims.index(details.get("victim")), details.get("threat", {}).get("eps", 0.0)

    rows = tuple(_row(step, measure) for step, measure in sorted(by_facts.values(), key=by_budget))
    heads = ("attacks", "from earlier runs", "worst case")
    table = Table(
        key,
        f"{title} Found alone: images that this attack turned and no other did.",
        (
            "budget",
            "answer" if key == "worst-cases" else "decision",
            *heads,
            "found most",
            "found alone",
        ),
        rows,
        numeric=frozenset(heads),
    )
    lead = "Worst case over all attacks." if key == "worst-cases" else "Worst case for decisions."
    return [Text(text, lead=lead), table]


def threat_words(threat: Mapping[str, Any]) -> str:
    """Write a budget as people do: `L∞ 8/255`, or a plugin with its eps or its bounds."""
    if "norm" in threat:
        norm = str(threat["norm"])
        return f"{NORMS.get(norm, norm)} {eps_text(threat['eps'], norm)}"
    bounds: Mapping[str, Sequence[float]] = threat.get("bounds", {})
    eps = [f"eps {threat['eps']:.4g}"] if "eps" in threat else []
    ranges = [f"{name} {low:.4g} to {high:.4g}" for name, (low, high) in bounds.items()]
    words = ", ".join([*eps, *ranges])
    plugin = str(threat.get("plugin", "")).partition("/")[2]
    return f"{plugin} ({words})" if words else plugin


def found_alone(measure: Measure) -> list[tuple[str, int]]:
    """Return the attacks that turned what no other did, with how many, the most first."""
    alone: Mapping[str, int] = measure.details.get("alone", {})
    return sorted(((n, c) for n, c in alone.items() if c), key=lambda item: (-item[1], item[0]))


def _row(step: StepSummary, measure: Measure) -> tuple[str, ...]:
    details = measure.details
    by: Mapping[str, int] = details.get("by", {})
    most = max(by, key=lambda name: (by[name], name), default="")
    alone = "; ".join(f"{plain(name)}: {count}" for name, count in found_alone(measure)[:3])
    return (
        plain(threat_words(details.get("threat", {}))),
        plain(", ".join(word for word in (step.against or NOTHING, objective_words(step)) if word)),
        f"{details.get('attacks', 0):,}",
        f"{details.get('earlier', 0):,}",
        measure_text(measure),
        f"{plain(most)}: {plural(by[most], 'image')}" if most and by[most] else NOTHING,
        alone or NOTHING,
    )
