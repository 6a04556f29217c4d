"""When the gates of an attack in rounds are decided: against every number that may still fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adversity
from adversity import metrics
from adversity.engine.attack.early_stop import Stopped, bare_gate, decided
from adversity.errors import InputError
from adversity.pipeline.gates.verdicts import verdict

GATES = [
    f"{bound}{metric} {op} {limit}"
    for bound in ("", "lower ", "upper ")
    for metric in ("robust_accuracy", "attack_success")
    for op in (">=", ">", "<=", "<")
    for limit in ("0.3", "1/2")
]


def verdicts(gate: Any, total: int, right: int, standing: int) -> set[str]:
    """Return the verdicts of a gate for each number of samples that may stand in the end."""
    found = set()
    for left in range(standing + 1):
        start = np.arange(total) < right
        measure = getattr(metrics, gate.metric)(start, start & (np.arange(total) >= left))
        found.add(verdict(gate, measure))
    return found


@pytest.mark.parametrize("text", GATES)
def test_a_gate_is_decided_exactly_where_no_outcome_changes_it(text: str) -> None:
    """All numbers of samples that may still fall are tried, bounds and no bound, pass and fail."""
    gate = bare_gate(text)
    outcomes = set()
    for total, right in ((24, 19), (7, 7)):
        for standing in range(right + 1):
            possible = verdicts(gate, total, right, standing)
            found = decided((gate,), total=total, right=right, standing=standing)
            assert (found is not None) == (possible in ({"pass"}, {"fail"}))
            if found is not None:
                assert found == (f"`{text}` ({possible.pop()})",)
            outcomes.add(found)
    assert None in outcomes
    assert len(outcomes) > 1


def test_a_pass_of_a_floor_is_never_decided_early() -> None:
    """As long as all may still fall, nothing promises a robust accuracy; a fail is decided."""
    gate = bare_gate("robust_accuracy >= 0.2")
    assert decided((gate,), total=100, right=100, standing=100) is None
    assert decided((gate,), total=100, right=100, standing=5) is not None


def test_all_gates_must_be_decided() -> None:
    """One that is not keeps the rounds going; none at all never stops them."""
    floor, ceiling = bare_gate("robust_accuracy >= 0.5"), bare_gate("robust_accuracy <= 0.1")
    counts = {"total": 100, "right": 90, "standing": 20}
    assert decided((floor,), **counts) is not None
    assert decided((ceiling,), **counts) is None
    assert decided((floor, ceiling), **counts) is None
    assert decided((), **counts) is None


def test_nothing_is_decided_where_nothing_was_right() -> None:
    """Success has no measure then: the gate is an error, and is judged as one."""
    gate = bare_gate("attack_success <= 0.5")
    assert decided((gate,), total=10, right=0, standing=0) is None


@pytest.mark.parametrize(
    "text",
    [
        "accuracy >= 0.5",
        "robust_accuracy",
        "robust_accuracy >= many",
        "middle robust_accuracy >= 0.5",
        "strong.robust_accuracy >= 0.5",
        "robust_accuracy not_worse_than last",
    ],
)
def test_a_gate_that_cannot_decide_is_refused(text: str) -> None:
    """The message shows how one is written and what came."""
    with pytest.raises(InputError, match=r"lower robust_accuracy >= 0\.60.*got"):
        bare_gate(text)


def test_an_attack_without_rounds_takes_no_gate(images: Any) -> None:
    """It would be ignored."""
    attack = adversity.create("attack", "pgd", eps=0.1)
    with pytest.raises(InputError, match=r"pgd.*always runs to its end.*cascade"):
        attack(None, images, None, gate="robust_accuracy >= 0.5")


def test_where_it_stopped_is_said_in_a_sentence() -> None:
    """Round, name, gates, and what that means for the figure."""
    one = Stopped(2, 5, "apgd-ce", ("`robust_accuracy >= 0.5` (fail)",))
    assert str(one) == (
        "stopped after round 2 of 5 (apgd-ce): the gate `robust_accuracy >= 0.5` (fail) was "
        "decided; robust accuracy is an upper bound"
    )
    two = Stopped(1, 5, "pgd", ("`a` (fail)", "`b` (pass)"))
    assert "the gates `a` (fail) and `b` (pass) were decided" in str(two)
