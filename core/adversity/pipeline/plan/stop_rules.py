"""Which gates may end an attack in rounds before its last round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import AttackInRounds
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.pipeline.gates.gate_text import Gate
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["DECIDING", "gates_in_keys", "in_rounds", "may_stop", "stopping_gates"]

DECIDING = ("robust_accuracy", "attack_success")
"""What further rounds can move in one direction only: both follow from how many samples stand."""


def in_rounds(planned: PlannedStep) -> bool:
    """Say whether a step is an attack in rounds."""
    return planned.role == "attack" and issubclass(class_of(planned.entry), AttackInRounds)


def may_stop(planned: PlannedStep) -> bool:
    """Say whether a step is an attack in rounds that may end before its last one."""
    cls: Any = class_of(planned.entry)
    return in_rounds(planned) and bool(cls.stops)


def stopping_gates(planned: PlannedStep, gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """Return the gates of a step that may stop it early: all it has, or none.

    A gate on anything but robust accuracy and success needs every round, and so does one that
    compares with the last accepted run.
    """
    own = tuple(gate for gate in gates if gate.step == planned.id)
    fit = may_stop(planned) and all(
        gate.metric in DECIDING and gate.limit is not None for gate in own
    )
    return own if fit else ()


def gates_in_keys(
    steps: Mapping[str, PlannedStep], gates: Sequence[Gate]
) -> dict[str, tuple[str, ...]]:
    """Return, for each attack in rounds that may stop, the gates that decide how many of its rounds run.

    They enter the key of its stage: another gate may need further rounds.
    """
    return {
        id_: tuple(sorted({_written(gate) for gate in stopping_gates(planned, gates)}))
        for id_, planned in steps.items()
        if may_stop(planned)
    }


def _written(gate: Gate) -> str:
    """Write a gate in one way, whatever its spaces and the form of its number were."""
    where = ",".join(f"{name}={value}" for name, value in sorted(gate.selector.items()))
    measure = f"[{where}].{gate.metric}" if where else gate.metric
    return " ".join(part for part in (gate.bound, measure, gate.op, str(gate.limit)) if part)
