"""When an attack in rounds may stop: its gates cannot change their verdict any more."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import InputError
from adversity.metrics import attack_success, robust_accuracy
from adversity.pipeline.gates.gate_text import Gate, read_gate
from adversity.pipeline.gates.verdicts import verdict
from adversity.pipeline.plan.stop_rules import DECIDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import Measure

__all__ = ["Stopped", "bare_gate", "bounded", "decided"]

_BARE = re.compile(r"(?:(?P<bound>\w+)\s+)?(?P<rest>[A-Za-z_]\w*\s*(?:>=|<=|>|<).*)")


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where an attack in rounds stopped before its last round.

    Attributes:
        after: Rounds that were run.
        of: Rounds that it has.
        name: The last one that was run.
        gates: The gates that were decided, with their verdicts.
    """

    after: int
    of: int
    name: str
    gates: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a sentence, with what it means for the figure."""
        were = "gates {} were" if len(self.gates) > 1 else "gate {} was"
        return (
            f"stopped after round {self.after} of {self.of} ({self.name}): the "
            f"{were.format(' and '.join(self.gates))} decided; robust accuracy is an upper bound"
        )


def decided(
    gates: Sequence[Gate], *, total: int, right: int, standing: int
) -> tuple[str, ...] | None:
    """Return the gates with their verdicts if no further round can change one, else None.

    Anything from none to all of the samples that stand may still fall. Value and bounds of the
    two measures rise or fall with that number, and a verdict with them; so two ends that agree
    speak for all between.

    Args:
        gates: On robust accuracy and success, those of one cell.
        total: Its samples.
        right: Those that were right at the start.
        standing: Those that still are.
    """
    if not gates or not right:
        return None
    verdicts = []
    for gate in gates:
        ends = {verdict(gate, _measure(gate.metric, total, right, k)) for k in (0, standing)}
        if len(ends) > 1 or not ends <= {"pass", "fail"}:
            return None
        verdicts.append(f"`{gate.text}` ({ends.pop()})")
    return tuple(verdicts)


def _measure(metric: str, total: int, right: int, standing: int) -> Measure:
    """Return a measure as it would be if so many samples stood at the end."""
    order = np.arange(total)
    start, fooled = order < right, (order >= standing) & (order < right)
    return (robust_accuracy if metric == "robust_accuracy" else attack_success)(start, fooled)


def bounded(measures: Mapping[str, Measure], stop: Stopped) -> dict[str, Measure]:
    """Say in the details of the two measures that further rounds could have made them worse."""
    sides = {"robust_accuracy": "upper", "attack_success": "lower"}
    stopped = {"stopped_after": stop.after, "rounds": stop.of}
    return {
        name: replace(measure, details={**measure.details, **stopped, "bound": sides[name]})
        if name in sides
        else measure
        for name, measure in measures.items()
    }


def bare_gate(text: str) -> Gate:
    """Read a gate without a step, such as `lower robust_accuracy >= 0.60`.

    Raises:
        InputError: If it is written otherwise, or is on another measure.
    """
    match = _BARE.fullmatch(text.strip())
    bound = f"{match['bound']} " if match and match["bound"] else ""
    gate = read_gate(f"{bound}attack.{match['rest']}", "gate") if match else None
    if not isinstance(gate, Gate) or gate.metric not in DECIDING:
        raise InputError(
            "expected a gate such as 'lower robust_accuracy >= 0.60', on "
            f"{' or '.join(DECIDING)}, got {text!r}"
        )
    return replace(gate, text=text.strip())
