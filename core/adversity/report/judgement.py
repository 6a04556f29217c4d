"""The one verdict of a run: page, markdown, JSON, terminal and exit code all ask here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.judged import judged_data
from adversity.report.threat import knowledge_word
from adversity.report.wording import TIMES, eps_text, parse_number, plain, plural

if TYPE_CHECKING:
    from adversity.report.model import GateResult, Report, StepSummary, Verdict

__all__ = ["SIGNS", "WORDS", "gates_in_order", "verdict", "what_was_tested"]

SIGNS = {"pass": "✓", "fail": "✗", "undecided": "?", "error": "!"}
WORDS = {"pass": "PASS", "fail": "FAIL", "undecided": "UNDECIDED", "error": "ERROR"}
_WORST_FIRST: tuple[Verdict, ...] = ("error", "fail", "undecided", "pass")
_COUNTED = {
    "error": "could not be judged",
    "fail": "failed",
    "undecided": "undecided",
    "pass": "passed",
}


def verdict(report: Report) -> tuple[Verdict, str]:
    """Return the verdict of the whole report and the line that says it.

    The worst gate wins: error, then fail, then undecided, then pass. Without gates there is
    nothing to fail and the line says so: it never claims PASS.
    """
    if not report.gates:
        return "pass", "✓ DONE: no gate was judged, nothing was required of the numbers"
    counts = {state: sum(gate.verdict == state for gate in report.gates) for state in _WORST_FIRST}
    worst = next(state for state in _WORST_FIRST if counts[state])
    total = len(report.gates)
    gates = plural(total, "gate")
    if counts[worst] == total:
        every = "the" if total == 1 else "all"
        first = f"{every} {gates} {_COUNTED[worst]}" if total > 1 else f"the gate {_COUNTED[worst]}"
        return worst, f"{SIGNS[worst]} {WORDS[worst]}: {first}"
    rest = "".join(
        f", {counts[state]} {_COUNTED[state]}"
        for state in _WORST_FIRST
        if state != worst and counts[state]
    )
    return worst, (
        f"{SIGNS[worst]} {WORDS[worst]}: {counts[worst]} of {gates} {_COUNTED[worst]}{rest}"
    )


def gates_in_order(report: Report) -> tuple[GateResult, ...]:
    """Return the gates, failures first, else in the file's order."""
    return tuple(sorted(report.gates, key=lambda gate: _WORST_FIRST.index(gate.verdict)))


def what_was_tested(report: Report) -> str:
    """Say in one sentence what was tested: models, data and n, matrix, attacks, seed.

    Data that only fitted something were not tested.
    """
    models = _names(report, "classifier")
    data = " and ".join(
        f"{item.id} ({item.uses}, n = {item.n:,}, {plural(item.classes, 'class', 'classes')})"
        for item in judged_data(report.data, report.steps, report.gates)
    )
    parts = [f"{models or 'No classifier'} on {data or 'no data'}"]
    for kind, word in (("degradation", "degraded by"), ("restoration", "restored by")):
        names = _names(report, kind)
        if names:
            parts.append(f"{word} {names}")
    attacks = dict.fromkeys(
        _attack(step) for step in report.steps if step.kind == "attack" and step.against
    )
    if attacks:
        parts.append("attacked by " + ", ".join(attacks))
    if report.matrix:
        parts.append("for " + f" {TIMES} ".join(_axis(*item) for item in report.matrix.items()))
    return plain("; ".join([*parts, f"seed {report.seed}"]) + ".")


def _names(report: Report, kind: str) -> str:
    names = dict.fromkeys(
        step.uses.partition("/")[2] for step in report.steps if step.uses.startswith(f"{kind}/")
    )
    return ", ".join(names)


def _attack(step: StepSummary) -> str:
    name = step.uses.partition("/")[2] or step.uses
    eps = step.threat.get("eps")
    shown = "" if eps is None or str(eps).startswith("$") else " " + eps_text(eps, _norm(step))
    budget = f"{_norm(step)}{shown}".strip()
    return f"{name} ({', '.join(part for part in (budget, knowledge_word(step)) if part)})"


def _norm(step: StepSummary) -> str:
    return str(step.threat.get("norm", ""))


def _axis(name: str, values: tuple[str, ...]) -> str:
    numeric = len(values) > 4 and all(parse_number(value) is not None for value in values)
    shown = f"{values[0]} to {values[-1]}" if numeric else ", ".join(values)
    return f"{name} {shown}"
