"""Gates as written: reading them and checking that what they speak of exists."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from adversity.contracts import parse_fraction
from adversity.pipeline.findings import Findings, KeyPath, listed, suggestion
from adversity.pipeline.paths import ancestors
from adversity.pipeline.plugins import class_of
from adversity.pipeline.probing import unprobed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.pipeline.load import Loaded
    from adversity.pipeline.model import StepNode

__all__ = ["Bound", "Gate", "Op", "parse_gates", "read_gate"]

Bound = Literal["lower", "upper"]
Op = Literal[">=", "<=", ">", "<"]

_BOUNDS: dict[str, Bound] = {"lower": "lower", "upper": "upper"}
_OPS: dict[str, Op] = {">=": ">=", "<=": "<=", ">": ">", "<": "<"}
_GATE = re.compile(
    r"(?:(?P<bound>\w+)\s+)?(?P<step>\w+)(?:\[(?P<selector>[^\[\]]*)\])?\.(?P<metric>[\w@./-]+)\s*"
    r"(?:(?P<op>>=|<=|>|<)\s*(?P<limit>\S+)|(?P<last>not_worse_than\s+last))"
)
_FORM = (
    "expected [lower|upper] step[variable=value].metric >= number (or <=, >, <), "
    "or step.metric not_worse_than last"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate.

    Attributes:
        text: As written.
        line: `file:line`.
        step: The step it speaks of.
        metric: The measure.
        selector: Matrix variable to value as written; empty for every cell.
        bound: Which 95 % bound must hold; None for the whole interval.
        op: The comparison; None for `not_worse_than last`.
        limit: The number; None for `not_worse_than last`.
    """

    text: str
    line: str
    step: str
    metric: str
    selector: Mapping[str, str] = field(default_factory=dict)
    bound: Bound | None = None
    op: Op | None = None
    limit: float | None = None


def parse_gates(
    loaded: Loaded, steps: Mapping[str, StepNode], findings: Findings
) -> tuple[Gate, ...]:
    """Read the gates of a file and check them against its steps.

    Args:
        loaded: The file.
        steps: Its resolved steps; faulty ones are missing and not complained of again.
        findings: Where faults go.
    """
    gates = []
    for index, text in enumerate(loaded.spec.gates):
        path: KeyPath = ("gates", index)
        gate = read_gate(text, findings.where(path))
        if isinstance(gate, str):
            findings.add(path, gate)
            continue
        for fault in _faults(gate, loaded, steps):
            findings.add(path, f"gate {text!r}: {fault}")
        gates.append(gate)
    return tuple(gates)


def read_gate(text: str, line: str) -> Gate | str:
    """Read one gate; return what is wrong with it where it cannot be read."""
    match = _GATE.fullmatch(text.strip())
    if match is None:
        return f"{_FORM}, got {text!r}"
    bound = _BOUNDS.get(match["bound"])
    op = _OPS.get(match["op"])
    if match["bound"] and bound is None:
        return f"gate {text!r}: expected lower or upper, got {match['bound']}"
    selector = _selector(match["selector"] or "")
    if isinstance(selector, str):
        return f"gate {text!r}: {selector}"
    limit = _number(match["limit"]) if op else None
    if op and limit is None:
        return f"gate {text!r}: expected a number or a fraction, got {match['limit']!r}"
    return Gate(text, line, match["step"], match["metric"], selector, bound, op, limit)


def _selector(text: str) -> dict[str, str] | str:
    values: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            return f"expected variable=value in [], got {part!r}"
        if name in values:
            return f"{name} is given twice in []"
        values[name] = value
    return values


def _number(text: str) -> float | None:
    fraction = parse_fraction(text)
    if fraction is not None:
        return fraction
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _faults(gate: Gate, loaded: Loaded, steps: Mapping[str, StepNode]) -> list[str]:
    if gate.step not in loaded.spec.steps:
        return [f"there is no step {gate.step}{suggestion(gate.step, loaded.spec.steps)}"]
    node = steps.get(gate.step)
    if node is None:
        return []
    if node.role in {"view", "define"}:
        measured = [id_ for id_, other in steps.items() if other.role not in {"view", "define"}]
        return [f"{gate.step} has no measures of its own; measured are {listed(measured)}"]
    faults = [
        f"{name} attacks as grey-box, which is weaker than an attacker who knows the chain, "
        "so no gate can rest on it; use white-box"
        for name in (gate.step, *sorted(ancestors(gate.step, loaded.spec.steps)))
        if name in steps and steps[name].knowledge == "grey-box"
    ]
    missing = unprobed(gate.metric, class_of(node.entry), node.options.get("probe"))
    faults += [] if missing is None else [missing]
    for name, value in gate.selector.items():
        if name not in node.variables:
            faults.append(
                f"{gate.step} does not depend on {name}{suggestion(name, node.variables)}"
            )
        elif value not in loaded.labels(name):
            faults.append(f"{name} has no value {value}; it has {listed(loaded.labels(name))}")
    return faults
