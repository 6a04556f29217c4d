"""What became of every scheduled look at a pipeline: `runs/looks/<pipeline>.jsonl`, a line each.

A quiet night can be told from a dead one: a look that found nothing to do, or another at work,
leaves its line as one that ran does.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from adversity_flows.exit_codes import FAILED, INTERRUPTED
from adversity_flows.redaction import without_secrets
from adversity_flows.runs.past_runs import FOLDER, keep_from_git

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EXIT_CODES", "Look", "past_looks", "write_look"]

EXIT_CODES = {
    "done": 0,
    "left out": 0,
    "gate failed": 1,
    "wrong input": 2,
    "failed": FAILED,
    "not pushed": FAILED,
    "killed": FAILED,
    "timed out": FAILED,
    "interrupted": INTERRUPTED,
}
"""How a look can end, and the exit code that says it."""


@dataclass(frozen=True, slots=True)
class Look:
    """One scheduled look at a pipeline, ended.

    Attributes:
        id: `20261122-020000-3f9c`: when it began, in UTC, and what tells it from others.
        pipeline: The pipeline's name.
        outcome: A key of `EXIT_CODES`.
        verdict: In a line: the verdict of the run, or why there is none.
        started: When it began, in UTC.
        seconds: How long it took.
        commit: The commit that it ran; empty where it came to none.
        run: The id of its run; that of the run before it if nothing had changed.
        report: The run's page, relative to the project; empty where there is none.
        repeated: Nothing had changed, so no new run was made.
        gates_failed: The text of each gate that failed.
        accepted: The run that later looks are compared with.
        results: The commit on the results branch that holds the run.
        unpushed: So many commits of that branch are on this machine only, and should not be.
    """

    id: str
    pipeline: str
    outcome: str
    verdict: str
    started: str
    seconds: float
    commit: str = ""
    run: str = ""
    report: str = ""
    repeated: bool = False
    gates_failed: tuple[str, ...] = ()
    accepted: str = ""
    results: str = ""
    unpushed: int = 0

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return EXIT_CODES[self.outcome]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "gates_failed": list(self.gates_failed)}


def write_look(root: Path, look: Look) -> None:
    """Add the line of a look; lines are written whole, whoever else writes."""
    keep_from_git(root)
    path = _trace(root, look.pipeline)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = without_secrets(json.dumps(look.as_json(), ensure_ascii=False))
    with path.open("ab") as trace:
        trace.write(f"{line}\n".encode("utf-8", "backslashreplace"))


def past_looks(root: Path, pipeline: str) -> list[Look]:
    """Return the looks at a pipeline, oldest first; a line that is damaged is passed over."""
    try:
        lines = _trace(root, pipeline).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = (_read(line) for line in lines)
    return [look for look in found if look is not None]


def _read(line: str) -> Look | None:
    names = {item.name for item in fields(Look)}
    try:
        record = json.loads(line)
        known = {name: value for name, value in record.items() if name in names}
        look = Look(**{**known, "gates_failed": tuple(record["gates_failed"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return look if look.outcome in EXIT_CODES else None


def _trace(root: Path, pipeline: str) -> Path:
    return root / FOLDER / "looks" / f"{pipeline}.jsonl"
