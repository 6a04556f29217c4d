"""What is wrong with a gate before anything runs: what it speaks of, and its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.pipeline.plan.features import fits_alone
from adversity.pipeline.plan.measures import known_of, measures_of
from adversity.pipeline.plan.paths import read_by
from adversity.pipeline.plan.probing import unprobed
from adversity.pipeline.plan.recorded import recorded
from adversity.pipeline.read.findings import listed, suggestion
from adversity.pipeline.read.load import variables_in
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.contracts import MeasureInfo, MetricBase
    from adversity.pipeline.gates.gate_text import Gate
    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.load import Loaded

__all__ = ["gate_faults", "idle_gates"]

_PERCENT = 100.0


def gate_faults(
    gate: Gate,
    loaded: Loaded,
    steps: Mapping[str, PlannedStep],
    metrics: Sequence[MetricBase],
) -> Iterator[str]:
    """Yield what is wrong with a gate that could be read.

    Args:
        gate: The gate.
        loaded: The file.
        steps: Its resolved steps; faulty ones are missing and not complained of again.
        metrics: Those of the pipeline.
    """
    measures = measures_of(metrics, steps.values())
    if gate.step in loaded.spec.data:
        yield from _measure_faults(gate, known_of("data", metrics, steps), measures)
        variables = variables_in(loaded.spec.data[gate.step].rev)
        yield from (
            f"{gate.step} is a data set and has no {name}"
            for name in gate.selector
            if name not in variables
        )
        yield from _value_faults(gate, loaded, variables)
        return
    if gate.step not in loaded.spec.steps:
        yield f"there is no step {gate.step}{suggestion(gate.step, loaded.spec.steps)}"
        return
    planned = steps.get(gate.step)
    if planned is None:
        return
    if unmeasured := _unmeasured(planned, steps):
        yield unmeasured
        return
    read = read_by(gate.step, steps)
    for name in (name for name in steps if name in read):
        if steps[name].knowledge == "grey-box":
            yield (
                f"{name} attacks as grey-box, which is weaker than an attacker who knows the chain, "
                "so no gate can rest on it; use white-box"
            )
    faults = list(_measure_faults(gate, known_of(planned, metrics, steps), measures))
    yield from faults
    missing = unprobed(
        gate.metric, class_of(planned.entry), planned.options.get("probe"), planned.goal
    )
    if missing is not None and planned.role == "attack" and not faults:
        yield missing
    yield from _selector_faults(gate, loaded, planned, whole=len(steps) == len(loaded.spec.steps))


def _unmeasured(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> str | None:
    """Say why nothing is measured of a step; None where something is."""
    if not planned.is_measured and not recorded(planned):
        measured = [id_ for id_, other in steps.items() if other.is_measured or recorded(other)]
        return f"{planned.id} has no measures of its own; measured are {listed(measured)}"
    if fitted := fits_alone(planned.id, steps):
        return (
            f"nothing is measured of {planned.id}: it is there to fit {listed(fitted)} alone, on "
            "images that may have fitted its network, too; gate a step on held-out images"
        )
    return None


def idle_gates(gates: Sequence[Gate], measures: Mapping[str, MeasureInfo]) -> Iterator[str]:
    """Yield a warning for each gate whose limit is an end of the range that all values meet."""
    for gate in gates:
        info = measures.get(gate.metric)
        if info is not None and (gate.op, gate.limit) in ((">=", info.low), ("<=", info.high)):
            yield (
                f"{gate.line}: gate {gate.text!r} can never fail: {gate.metric} lies in "
                f"[{info.low:g}, {info.high:g}]"
            )


def _selector_faults(
    gate: Gate, loaded: Loaded, planned: PlannedStep, *, whole: bool
) -> Iterator[str]:
    """Refuse a variable or a value that the step has not.

    A faulty step is missing, and what comes from it lacks its variables: then no variable of the
    matrix is refused.
    """
    for name in gate.selector:
        known = name in planned.variables or (not whole and name in loaded.spec.matrix)
        if name == planned.by:
            continue  # which groups there are the data say
        if not known:
            names = (*planned.variables, *filter(None, [planned.by]))
            yield f"{gate.step} does not depend on {name}{suggestion(name, names)}"
        else:
            yield from _value_faults(gate, loaded, (name,))


def _value_faults(gate: Gate, loaded: Loaded, variables: Sequence[str]) -> Iterator[str]:
    for name in variables:
        value = gate.selector.get(name)
        if value is not None and value not in loaded.labels(name):
            yield f"{name} has no value {value}; it has {listed(loaded.labels(name))}"


def _measure_faults(
    gate: Gate, known: Mapping[str, MeasureInfo] | None, measures: Mapping[str, MeasureInfo]
) -> Iterator[str]:
    """Refuse a measure that the step cannot have, and a limit that decides by itself."""
    if known is None:
        info = measures.get(gate.metric)
    elif gate.metric in known:
        info = known[gate.metric]
    else:
        elsewhere = gate.metric in measures
        why = f": it is measured of other steps; {gate.step} can have {listed(sorted(known))}"
        hint = why if elsewhere else suggestion(gate.metric, sorted(known))
        yield f"{gate.step} has no measure {gate.metric}{hint}"
        return
    if info is not None and gate.limit is not None:
        yield from _limit_faults(gate, gate.limit, info)


def _limit_faults(gate: Gate, limit: float, info: MeasureInfo) -> Iterator[str]:
    """Refuse a limit that no value, or every value, of the measure meets."""
    low, high = info.low, info.high
    within = f"{gate.metric} lies in [{low:g}, {high:g}]"
    if not info.admits(limit):
        guess = limit / _PERCENT
        hint = f"; did you mean {guess:g}?" if high == 1.0 < limit <= _PERCENT else ""
        yield f"{within}, so {gate.op} {limit:g} {_outcome(gate, limit, info)}{hint}"
    elif (gate.op, limit) in ((">", high), ("<", low)):
        yield f"{within}, so {gate.op} {limit:g} can never pass; give another limit"


def _outcome(gate: Gate, limit: float, info: MeasureInfo) -> str:
    """Say what becomes of a gate whose limit lies beyond the range."""
    above = limit > info.high
    return f"can never {'fail' if above is str(gate.op).startswith('<') else 'pass'}"
