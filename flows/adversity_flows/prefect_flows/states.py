"""The Prefect state that the end of a run means: the same by hand and on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity_flows.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.client.schemas.objects import State

__all__ = ["state_of", "verdict_message"]


def verdict_message(line: str, problems: Iterable[str]) -> str:
    """Return the verdict and, below it, what somebody must look at, a line each."""
    return "\n".join([line, *problems])


def state_of(code: int, message: str) -> State[Any]:
    """Return the Prefect state that an exit code of `adversity run` or of a scheduled look means.

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
