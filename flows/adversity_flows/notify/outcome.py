"""What there is to tell of a run, however it was started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity_flows.redaction import without_secrets
from adversity_flows.runs.past_runs import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from adversity_flows.runs.finished_run import FinishedRun
    from adversity_flows.runs.looks import Look
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["Outcome", "of_error", "of_look", "of_run"]

_MOST_GATES = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: `passed`, `undecided`, `gate_failed` or `failed`.
        verdict: In a line.
        gates: Those that did not pass, with their numbers.
        run: The run's id; empty if none began.
        report: The run's page, relative to the project; empty without one.
        commit: What ran of the project's git; empty without, and where files differed from it.
    """

    state: str
    verdict: str
    gates: tuple[str, ...] = ()
    run: str = ""
    report: str = ""
    commit: str = ""


def of_run(finished: FinishedRun, root: Path) -> Outcome:
    """Return the outcome of a run that came to its verdict.

    Args:
        finished: It.
        root: The project's folder.
    """
    report = finished.past.page.relative_to(root).as_posix()
    return _of_past(finished.past, report, failed=bool(finished.exit_code))


def of_error(error: BaseException) -> Outcome:
    """Return the outcome of a run that came to no verdict."""
    first = next(iter(str(error).splitlines()), "") or type(error).__name__
    return Outcome("failed", without_secrets(first))


def of_look(look: Look, root: Path) -> Outcome | None:
    """Return the outcome of a scheduled look; None if there is nothing to tell.

    Args:
        look: It. One that was left out, or that somebody interrupted, tells nothing.
        root: The project's folder.
    """
    if look.outcome in ("left out", "interrupted"):
        return None
    if look.outcome not in ("done", "gate failed"):
        said = "the look timed out: " if look.outcome == "timed out" else ""
        return Outcome("failed", without_secrets(f"{said}{look.verdict}"), commit=look.commit)
    failed = look.outcome == "gate failed"
    past = read_run(root, look.run) if look.run else None
    if past is None:
        state = "gate_failed" if failed else "passed"
        return Outcome(state, look.verdict, look.gates_failed, look.run, look.report, look.commit)
    found = _of_past(past, look.report, failed=failed)
    return replace(found, commit=look.commit) if look.commit else found


def _of_past(past: PastRun, report: str, *, failed: bool) -> Outcome:
    record = past.manifest
    held = [gate for gate in record.get("gates", ()) if gate.get("verdict") != "pass"]
    gates = [f"{str(gate['verdict']).upper()} {gate['text']}: {gate['why']}" for gate in held]
    if len(gates) > _MOST_GATES:
        gates = [*gates[:_MOST_GATES], f"and {len(gates) - _MOST_GATES} more gates"]
    state = "gate_failed" if failed else "passed"
    if not failed and record.get("verdict") == "undecided":
        state = "undecided"
    git = record.get("git") or {}
    return Outcome(
        state,
        without_secrets(str(record.get("verdict_line", ""))),
        tuple(without_secrets(gate) for gate in gates),
        past.id,
        report,
        str(git.get("revision", "")) if git.get("state") == "clean" else "",
    )
