"""Gates as written: reading them and checking that what they speak of exists."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from adversity.contracts import parse_fraction
from adversity.pipeline.gates.gate_faults import gate_faults
from adversity.pipeline.read.reader import LEADING_ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import MetricBase
    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.pipeline.read.load import Loaded

__all__ = ["LAST", "Bound", "Gate", "Op", "parse_gates", "read_gate"]

LAST = "last"
"""What a gate calls the last accepted run."""

Bound = Literal["lower", "upper"]
Op = Literal[">=", "<=", ">", "<"]

_BOUNDS: dict[str, Bound] = {"lower": "lower", "upper": "upper"}
_OPS: dict[str, Op] = {">=": ">=", "<=": "<=", ">": ">", "<": "<"}
_GATE = re.compile(
    r"(?:(?P<bound>\w+)\s+)?(?P<step>\w+)(?:\[(?P<selector>[^\[\]]*)\])?\.(?P<metric>[\w@./-]+)\s*"
    r"(?:(?P<op>>=|<=|>|<)\s*(?P<limit>\S+)|not_worse_than\s+(?P<than>\w[\w./@^~{}-]*))"
)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FORM = (
    "expected [lower|upper] step[variable=value].metric >= number (or <=, >, <), "
    "or step.metric not_worse_than last (or a branch, a tag, a commit)"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate.

    Attributes:
        text: As written.
        line: `file:line`.
        step: The step or data set it speaks of.
        metric: The measure.
        selector: Matrix variable to value as written; empty for every cell.
        bound: Which 95 % bound must hold; None for the whole interval.
        op: The comparison; None for `not_worse_than`.
        limit: The number; None for `not_worse_than`.
        than: The run that it compares with: `last`, the accepted one, or a name of a commit; empty
            where it compares with a number.
    """

    text: str
    line: str
    step: str
    metric: str
    selector: Mapping[str, str] = field(default_factory=dict)
    bound: Bound | None = None
    op: Op | None = None
    limit: float | None = None
    than: str = ""


def parse_gates(
    loaded: Loaded,
    steps: Mapping[str, PlannedStep],
    metrics: Sequence[MetricBase],
    findings: Findings,
) -> tuple[Gate, ...]:
    """Read the gates of a file and check them against its steps, data sets and metrics.

    Args:
        loaded: The file.
        steps: Its resolved steps; faulty ones are missing and not complained of again.
        metrics: Those of the pipeline.
        findings: Where faults go.
    """
    gates = []
    for index, text in enumerate(loaded.spec.gates):
        path: KeyPath = ("gates", index)
        gate = read_gate(text, findings.where(path))
        if isinstance(gate, str):
            findings.add(path, gate)
            continue
        for fault in gate_faults(gate, loaded, steps, metrics):
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
        hint = _meant(match["limit"])
        return f"gate {text!r}: expected a number or a fraction, got {match['limit']!r}{hint}"
    return Gate(
        text, line, match["step"], match["metric"], selector, bound, op, limit, match["than"] or ""
    )


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
    """Read a limit as the pipeline file's numbers are read; None for anything else."""
    fraction = parse_fraction(text)
    if fraction is not None:
        return fraction
    readable = _NUMBER.fullmatch(text) and not LEADING_ZERO.fullmatch(text)
    number = float(text) if readable else math.inf
    return number if math.isfinite(number) else None


def _meant(text: str) -> str:
    """Guess the number that somebody wrote otherwise: `50%`, `0,5`, `1_000`, `010`."""
    bare = text.removesuffix("%").replace(",", ".").replace("_", "")
    number = _number(LEADING_ZERO.sub(r"\1\2", bare) if LEADING_ZERO.fullmatch(bare) else bare)
    if number is None:
        return ""
    return f"; did you mean {number / 100 if text.endswith('%') else number:g}?"
