"""The Prefect state that the end of a run means: the same by hand and on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.judgement import SIGNS
from adversity_flows.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prefect.client.schemas.objects import State

__all__ = ["state_of", "verdict_message"]

_WORST_FIRST = ("error", "fail", "undecided")


def verdict_message(line: str, gates: Iterable[Mapping[str, Any]]) -> str:
    """Return the verdict and, below it, every gate that did not pass, the worst first.

    Args:
        line: The verdict's line.
        gates: As they stand in `result.json` and in the manifest.
    """
    left = [gate for gate in gates if gate["verdict"] in _WORST_FIRST]
    left.sort(key=lambda gate: _WORST_FIRST.index(gate["verdict"]))
    said = [f"{SIGNS[gate['verdict']]} {gate['text']}: {gate['why']}" for gate in left]
    return "\n".join([line, *said])


def state_of(code: int, message: str) -> State[Any]:
    """Return the Prefect state that an exit code of `adversity run` means.

    Args:
        code: 0 done, 1 a gate failed, 2 wrong input, 130 interrupted, 3 and others a failed run.
        message: What the state says beside the exit code.
    """
    from prefect.states import Cancelled, Completed, Failed

    message = f"exit code {code}: {message}" if message else f"exit code {code}"
    if code == 0:
        return Completed(message=message)
    if code == INTERRUPTED:
        return Cancelled(name="Interrupted", message=message)
    name = {1: "GateFailed", 2: "WrongInput"}.get(code, "RunFailed")
    return Failed(name=name, message=message)
