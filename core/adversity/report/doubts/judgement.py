"""The one verdict of a run: page, markdown, JSON, terminal and exit code all read it here."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.values.apart import judged_data, judged_steps
from adversity.report.values.threat import knowledge_word, objective_words
from adversity.report.words.wording import TIMES, cell_text, eps_text, parse_number, plain, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.report.values.model import DataSummary, GateResult, Report, StepSummary, Verdict

__all__ = [
    "SIGNS",
    "WORDS",
    "WORST_FIRST",
    "exit_code",
    "gate_words",
    "gates_in_order",
    "overall",
    "problems",
    "verdict",
    "what_was_tested",
]

SIGNS = {"pass": "✓", "fail": "✗", "undecided": "?", "error": "!"}
WORDS = {"pass": "PASS", "fail": "FAIL", "undecided": "UNDECIDED", "error": "ERROR"}
WORST_FIRST: tuple[Verdict, ...] = ("error", "fail", "undecided", "pass")
"""The verdicts of gates in the order in which one outweighs the next."""
_COUNTED = {
    "error": "could not be judged",
    "fail": "failed",
    "undecided": "undecided",
    "pass": "passed",
}
_FEW = 4
"""So many values of a variable are named again where they are told already."""
_LEVELS = {"void": "VOID", "warning": "warning:"}
"""The levels of caveats that somebody must look at, and how their lines begin."""


def overall(gates: Iterable[GateResult]) -> Verdict | None:
    """Return the worst verdict, or None where there are no gates."""
    verdicts = {gate.verdict for gate in gates}
    return next((state for state in WORST_FIRST if state in verdicts), None)


def exit_code(gates: Iterable[GateResult], *, strict: bool = False) -> int:
    """Return 1 if a gate failed or could not be judged, or is undecided under `strict`; else 0."""
    worst = overall(gates)
    return int(worst in {"fail", "error"} or (strict and worst == "undecided"))


def verdict(report: Report) -> tuple[Verdict, str]:
    """Return the verdict of the whole report and the line that says it.

    The worst gate wins: error, then fail, then undecided, then pass. Without gates there is
    nothing to fail and the line says so: it never claims PASS. What the report does not believe,
    what it warns of and how many images could not be read is counted behind it.
    """
    worst = overall(report.gates)
    doubts = _doubts(report)
    if worst is None:
        first = (
            f"{SIGNS['pass']} DONE: no gate was judged, so nothing says whether the numbers suffice"
        )
        return "pass", first + doubts
    return worst, f"{SIGNS[worst]} {WORDS[worst]}: {_counted(report.gates, worst)}{doubts}"


def problems(report: Report) -> tuple[str, ...]:
    """Return what somebody must look at, a line each: gates that did not pass, voids, warnings.

    The terminal, hooks, annotations, `result.json` and Prefect's states all say these lines.
    """
    gates = [
        f"{WORDS[gate.verdict]} {gate.text}: {gate.why}{f' ({gate.line})' if gate.line else ''}"
        for gate in gates_in_order(report)
        if gate.verdict != "pass"
    ]
    caveats = [
        f"{_LEVELS[caveat.level]} {caveat.sentence}"
        for level in _LEVELS
        for caveat in report.caveats
        if caveat.level == level
    ]
    return tuple(plain(line) for line in (*gates, *caveats))


def _counted(gates: tuple[GateResult, ...], worst: Verdict) -> str:
    """Say how many gates got which verdict, the worst first."""
    counts = Counter(gate.verdict for gate in gates)
    if counts[worst] == len(gates):
        every = f"all {plural(len(gates), 'gate')}" if len(gates) > 1 else "the gate"
        verb = "is " if every == "the gate" and worst == "undecided" else ""
        return f"{every} {verb}{_COUNTED[worst]}"
    rest = "".join(
        f", {counts[state]} {_COUNTED[state]}"
        for state in WORST_FIRST
        if state != worst and counts[state]
    )
    return f"{counts[worst]} of {plural(len(gates), 'gate')} {_COUNTED[worst]}{rest}"


def _doubts(report: Report) -> str:
    """Count void figures, warnings and images that could not be read; empty where all is well."""
    void = {
        json.dumps([caveat.step, caveat.cell], sort_keys=True)
        for caveat in report.caveats
        if caveat.level == "void"
    }
    unreadable = [len(item.quarantined) for item in report.data if item.quarantined]
    warnings = sum(caveat.level == "warning" for caveat in report.caveats)
    parts = [
        *([plural(len(void), "void figure")] if void else []),
        *([plural(warnings, "warning")] if warnings else []),
        *([plural(sum(unreadable), "unreadable image")] if unreadable else []),
    ]
    return f"; {', '.join(parts)}" if parts else ""


def gates_in_order(report: Report) -> tuple[GateResult, ...]:
    """Return the gates, failures first, else in the file's order."""
    return tuple(sorted(report.gates, key=lambda gate: WORST_FIRST.index(gate.verdict)))


def gate_words(gate: GateResult) -> tuple[str, str]:
    """Return a gate's worst cell and reason as they stand in a table of gates.

    The cell is without the variables that the gate names itself, the reason without what voids
    the figure: terminal and page say that once, beside the table.
    """
    named = tuple(
        name for name in gate.cell if re.search(rf"[\[,]\s*{re.escape(name)}\s*=", gate.text)
    )
    cell = cell_text(gate.cell, without=named)
    why = gate.why.replace(f" {gate.void}", "", 1) if gate.void else gate.why
    return (f" at {cell}" if cell else "", why)


def what_was_tested(report: Report) -> str:
    """Say in one sentence what was tested: models, data and n, matrix, attacks, seed.

    Data and images that only fitted something were not tested.
    """
    models = [_names(report, makes="predictions"), _names(report, makes="numbers")]
    data = " and ".join(
        f"{item.id} ({item.uses}, n = {item.n:,}, {_targets(item)})"
        for item in judged_data(report.data, report.steps, report.gates)
    )
    parts = [f"{' and '.join(filter(None, models)) or 'No classifier'} on {data or 'no data'}"]
    seen = _behind_figures(report)
    roles = dict.fromkeys(step.image_role for step in seen.steps if step.makes == "images")
    parts += [f"{role} by {_names(seen, image_role=role)}" for role in roles]
    attacks = dict.fromkeys(
        _attack(step) for step in report.steps if step.kind == "attack" and step.against
    )
    if attacks:
        parts.append("attacked by " + ", ".join(attacks))
    if report.matrix:
        told = "; ".join(parts)
        axes = (_axis(name, values, told) for name, values in report.matrix.items())
        parts.append("for " + f" {TIMES} ".join(axes))
    return plain("; ".join([*parts, f"seed {report.seed}"]) + ".")


def _behind_figures(report: Report) -> Report:
    """Return the report with those steps alone that what is judged went through; all if none is."""
    judged = [step for step in judged_steps(report.steps, report.gates) if step.cells]
    names = {name for step in judged for name in (step.id, *step.path, *step.compared)}
    steps = tuple(step for step in report.steps if step.id in names)
    return replace(report, steps=steps) if judged else report


def _targets(item: DataSummary) -> str:
    """Say what is known of each image: one of so many classes, or numbers."""
    return ", ".join(item.target_names) or plural(item.classes, "class", "classes")


def _names(report: Report, **what: str) -> str:
    """Return the names of the plugins of those steps that are what is said of them."""
    chosen = [s for s in report.steps if all(getattr(s, key) == word for key, word in what.items())]
    names: dict[str, None] = {}
    for step in chosen:
        name = step.uses.partition("/")[2]
        # A variable of the matrix stands for several.
        values = report.matrix.get(name[1:], (name,)) if name.startswith("$") else (name,)
        names |= dict.fromkeys(value.rpartition("/")[2] for value in values)
    return ", ".join(names)


def _attack(step: StepSummary) -> str:
    name = step.uses.partition("/")[2] or step.uses
    eps = step.threat.get("eps")
    shown = "" if eps is None or str(eps).startswith("$") else " " + eps_text(eps, _norm(step))
    budget = f"{_norm(step)}{shown}".strip()
    parts = (budget, knowledge_word(step), objective_words(step))
    return f"{name} ({', '.join(part for part in parts if part)})"


def _norm(step: StepSummary) -> str:
    return str(step.threat.get("norm", ""))


def _axis(name: str, values: tuple[str, ...], told: str) -> str:
    """Write a variable with its values; of many that are told already, how many they are."""
    if len(values) > _FEW and all(value in told for value in values):
        return f"{len(values)} values of {name}"
    numeric = len(values) > 4 and all(parse_number(value) is not None for value in values)
    shown = f"{values[0]} to {values[-1]}" if numeric else ", ".join(values)
    return f"{name} {shown}"
