"""The threat model in words: who may change what, by how much, and what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts.goal import Goal, goal_named
from adversity.contracts.threat import NORMS as NORM_NAMES
from adversity.report.values.blocks import Table, Text
from adversity.report.words.reading import slug
from adversity.report.words.wording import NOTHING, eps_text, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.report.values.model import CellResult, StepSummary

__all__ = [
    "NORMS",
    "any_distance",
    "attack_name",
    "goal_of",
    "is_black_box",
    "is_control",
    "knowledge_word",
    "links_table",
    "norm_of",
    "objective_words",
    "threat_text",
]

NORMS = {**NORM_NAMES, "distance": "own distance"}
_OPTIONS = (
    *(
        "method",
        "search",
        "steps",
        "step_size",
        "momentum",
        "random_start",
        "restarts",
        "draws",
        "queries",
    ),
    *("targeted", "target", "loss"),
)
_SEES = {
    "nothing": "queries nothing",
    "decisions": "sees decisions only, the class that the victim names",
    "scores": "sees scores only, never a gradient",
    "gradients": "computes with gradients",
    "structure": "has the victim laid open, its weights, thresholds or stored samples",
}


def goal_of(step: StepSummary) -> Goal:
    """Return what an attack is after."""
    return goal_named(step.threat.get("objective"))


def is_control(step: StepSummary) -> bool:
    """Say whether a step is a control that attacks must beat."""
    return bool(step.threat.get("control"))


def is_black_box(step: StepSummary) -> bool:
    """Say whether an attack only queries its victim, without gradient or structure."""
    return step.threat.get("access") in ("decisions", "scores")


def any_distance(step: StepSummary) -> bool:
    """Say whether an attack looks for the nearest failure and counts it however far it is."""
    return bool(step.threat.get("nearest")) and not step.threat.get("eps")


def norm_of(step: StepSummary, cell: CellResult) -> str:
    """Return the norm in which a cell's perturbation is measured; empty where there is none.

    A threat of a third party stands under its own word, whatever parameters it has.
    """
    norm = step.threat.get("norm")
    if norm is not None and norm not in NORM_NAMES:
        return str(norm)
    return str(cell.parameters.get("norm") or norm or "")


def knowledge_word(step: StepSummary) -> str:
    """Return `control`, `grey-box`, `black-box` or `white-box`; empty where none is known."""
    if is_control(step):
        return "control"
    if step.knowledge == "white-box" and is_black_box(step):
        return "black-box"
    return step.knowledge or ""


def objective_words(step: StepSummary) -> str:
    """Return `look sure` or `look unsure`; empty where an attack is after the answer."""
    goal = goal_of(step)
    return "" if goal.of_answer else goal.words


def attack_name(step: StepSummary) -> str:
    """Name an attack step for a chart: its id, method and knowledge."""
    method = step.uses.partition("/")[2] or step.uses
    knowledge = "" if is_control(step) else knowledge_word(step)
    parts = (method, knowledge, objective_words(step))
    return plain(f"{step.id} ({', '.join(part for part in parts if part)})")


def threat_text(step: StepSummary) -> Text:
    """Write the threat model as a paragraph."""
    words = [
        (
            f"{step.uses} changes the images of {step.upstream} {goal_of(step).aim} "
            f"{step.against or 'the classifier'}."
        ),
        _decision(step),
        step.budget,
        _settings(step),
        _knowledge(step),
        *step.notes,
    ]
    return Text(plain(" ".join(word for word in words if word)), lead=plain(f"{step.id}."))


def _decision(step: StepSummary) -> str:
    """Say whom an attack on a decision attacks, and what its figures do not speak of."""
    goal = goal_of(step)
    if goal.of_answer:
        return ""
    return (
        f"Objective {goal.words}: attacked are {goal.who}, and nothing else counts as its success. "
        "Of accuracy under attack this says nothing."
    )


def _settings(step: StepSummary) -> str:
    parameters = step.cells[0].parameters if step.cells else {}
    settings = [
        f"{name.replace('_', ' ')}: {_setting(name, parameters)}"
        for name in _OPTIONS
        if parameters.get(name) is not None and (name != "target" or parameters.get("targeted"))
    ]
    settings += [f"{name}: {text}" for name, text in _plugins(parameters)]
    return f"Settings: {', '.join(settings)}." if settings else ""


def _setting(name: str, parameters: Mapping[str, Any]) -> str:
    """Write a setting: a size of a step as budgets are written."""
    if name == "step_size":
        return eps_text(parameters[name], parameters.get("norm"))
    return str(parameters[name]).lower()


def _plugins(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the plugins in the parameters, each by its name, and its step where it is one's."""
    for name, value in parameters.items():
        if isinstance(value, dict) and "uses" in value:
            short = str(value["uses"]).rpartition("/")[2].rpartition(":")[2]
            yield name, f"{short} of {value['step']}" if value.get("step") else short


def _knowledge(step: StepSummary) -> str:
    """Say what the attacker knows of the chain, and what it sees of it."""
    if is_control(step):
        return (
            "It is the control: random noise within the budget, which needs no knowledge. An "
            "attack that does not beat it found nothing."
        )
    sees = _SEES.get(str(step.threat.get("access", "gradients")), "")
    if step.knowledge == "grey-box":
        queries = (
            "queries the classifier alone" if is_black_box(step) else "knows the classifier alone"
        )
        return (
            f"Grey-box: the adversary {queries} and {sees}; it is judged on the whole chain. An "
            "adversary who knows the chain can do better, so no gate may rest on this."
        )
    if is_black_box(step):
        return f"Black-box: the adversary queries the whole chain, defences included, and {sees}."
    if step.knowledge == "white-box":
        return f"White-box: the adversary knows the whole chain, defences included, and {sees}."
    return f"Knowledge: {step.knowledge}." if step.knowledge else ""


def links_table(step: StepSummary) -> Table:
    """List what the gradient went through."""
    heads = tuple(dict.fromkeys(key for link in step.links for key in link))
    names = {"step": "link", "uses": "plugin", "gradient": "gradient"}
    return Table(
        slug(f"links-{step.id}"),
        f"What the gradient of {plain(step.id)} went through, from the images to the "
        f"{_answer(step)}.",
        tuple(names.get(head, head.replace("_", " ")) for head in heads),
        tuple(tuple(str(link.get(head, NOTHING)) for head in heads) for link in step.links),
    )


def _answer(step: StepSummary) -> str:
    """Say whose answer it is: of an ensemble, how many networks answer each query."""
    members = {
        link.get("step")
        for link in step.links
        if str(link.get("uses", "")).startswith("classifier ")
    }
    of_answer = goal_of(step).of_answer
    if len(members) < 2:
        return "answer" if of_answer else "decision"
    before = "" if of_answer else "decision on "
    return f"{before}one answer of {len(members)} members, all of which answer each query"
