"""What happens in a run, as it happens: `log.txt` for people, `log.jsonl` for programs."""

from __future__ import annotations

import json
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.engine.stages.stage import Shard
    from adversity.report.values.model import Outcome

__all__ = ["LINES", "RECORDS", "RunLog"]

LINES, RECORDS = "log.txt", "log.jsonl"


class RunLog:
    """The log in a run's folder, which must be there; each call adds to both files."""

    def __init__(self, folder: Path) -> None:
        """Write nothing yet."""
        self._folder = folder

    def started(self, file: str, command: str) -> None:
        """Say which pipeline runs, and how it was called."""
        text = f"adversity run {file}: {command}"
        self.say(text, "run started", file=file, command=command)

    def step_started(self, step: str, shards: int, pending: int, reason: str) -> None:
        """Say that a step begins, with its shards and those to do, and why it runs."""
        text = f"{step}: starts, {pending} of {shards} shards to do: {reason}"
        facts = {"shards": shards, "pending": pending, "reason": reason}
        self.say(text, "step started", step=step, **facts)

    def shard_done(self, step: str, shard: Shard) -> None:
        """Say that a shard is done, and by whom where it was another process."""
        by = shard.by and f" by {shard.by}"
        text = f"{step}: shard {shard.index} done ({shard.label}){by}"
        facts = {"shard": shard.index, "label": shard.label, "rows": shard.rows, "by": shard.by}
        self.say(text, "shard done", step=step, **facts)

    def step_ended(self, outcome: Outcome, notes: Sequence[str]) -> None:
        """Say what became of a step, and what is to be said of it."""
        step, facts = outcome.step, {"state": outcome.state, "seconds": round(outcome.seconds, 3)}
        text = f"{step}: {outcome.state} in {outcome.seconds:.1f} s"
        self.say(text, "step ended", step=step, reason=outcome.reason, **facts)
        for note in notes:
            self.say(f"{step}: note: {note}", "note", step=step, note=note)

    def failed(self, error: BaseException, code: int) -> None:
        """Say what ended the run, with its traceback."""
        trace = "".join(traceback.format_exception(error))
        self.say(trace, "run failed", error=str(error), exit_code=code)

    def judged(self, verdict: str, problems: Sequence[str], code: int) -> None:
        """Say what the run came to."""
        text = "\n".join([verdict, *problems])
        facts = {"verdict": verdict, "problems": list(problems), "exit_code": code}
        self.say(text, "run ended", **facts)

    def say(self, text: str, event: str, **facts: Any) -> None:
        """Add lines for people, and a record with the time, the event and its facts.

        Args:
            text: Lines.
            event: What happened.
            facts: JSON values; addresses in them lose their secrets.
        """
        now = datetime.now(UTC)
        record = {"time": now.isoformat(timespec="milliseconds"), "event": event, **facts}
        line = without_secrets(json.dumps(record, ensure_ascii=False, default=str))
        with (self._folder / LINES).open("a", encoding="utf-8", errors="backslashreplace") as log:
            stamp = time.strftime("%H:%M:%S", now.timetuple())
            log.writelines(f"{stamp} {one}\n" for one in without_secrets(text).splitlines())
        with (self._folder / RECORDS).open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(line + "\n")
