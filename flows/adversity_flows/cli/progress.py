"""A run as a person follows it: a live block on a terminal, plain lines anywhere else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from adversity.report.words.wording import seconds_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.stages.stage import Progress, Shard, StageResult
    from adversity.pipeline.plan.model import Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.cli.terminal import Terminal

__all__ = ["Lines", "Running", "outcome_line"]

_NAMED = 8
"""So many workers of a step are named."""
HEARTBEAT = 60.0
"""Seconds after which a run that says nothing else says that it is alive."""


class Running:
    """How far the step at work is; read by the thread that shows it.

    Attributes:
        step: Its id.
        done: Shards that are finished in this run.
        pending: Shards this run has to do.
        kept: Shards that an earlier, broken run left.
    """

    def __init__(self, step: str, total: int, pending: int) -> None:
        """Start the clock."""
        self.step = step
        self.pending = pending
        self.kept = total - pending
        self.done = 0
        self._rows = 0
        self._done_by = Counter[str]()
        self._at_work: dict[int, tuple[Shard, Progress]] = {}
        self._began: dict[int, float] = {}
        self._started = time.monotonic()

    def advance(self, shard: Shard) -> None:
        """Count a finished shard."""
        self._at_work.pop(shard.index, None)
        self.done += 1
        if shard.by:
            self._done_by[shard.by.partition(" ")[0]] += 1
        self._rows += shard.rows

    def went_on(self, shard: Shard, progress: Progress) -> None:
        """Note how far a shard is that is not finished; what it goes on from was free."""
        self._began.setdefault(shard.index, progress.begun)
        self._at_work[shard.index] = shard, progress

    @property
    def share(self) -> float:
        """How much of what was pending is done, 0 to 1."""
        parts = [progress.share for _, progress in [*self._at_work.values()]]
        return (self.done + sum(parts)) / self.pending if self.pending else 1.0

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self._started

    @property
    def workers(self) -> str:
        """Who did how many shards, where others than this process did: a line, or nothing."""
        if not self._done_by:
            return ""
        shares = [f"{name} {count}" for name, count in self._done_by.most_common(_NAMED)]
        more = len(self._done_by) - len(shares)
        shares += [f"{more} more"] if more else []
        rate = f"{self.done / max(self.seconds, 1e-3):.2g} shards/s"
        workers = "1 worker" if len(self._done_by) == 1 else f"{len(self._done_by)} workers"
        return f"     {workers}, {rate}: {', '.join(shares)}"

    @property
    def left(self) -> list[str]:
        """The time left, as far as it is known; what a person waits for, so it is said first."""
        todo = self.pending * (1 - self.share)
        done = self.pending - todo - sum(self._began.values())
        if done <= 0 or todo <= 0:
            return []
        return [f"about {seconds_text(self.seconds / done * todo)} left"]

    @property
    def facts(self) -> list[str]:
        """The time left, shards done and images a second, as far as they are known."""
        facts = self.left
        facts += [f"shard {self.done}/{self.pending}"] if self.pending > 1 else []
        if self.kept and self.pending:
            facts.append(f"{self.kept} kept")
        if self._rows and self.seconds > 0:
            facts.append(f"{self._rows / self.seconds:,.0f} img/s")
        facts += [f"{len(self._done_by)} workers"] if len(self._done_by) > 1 else []
        at_work = [self._at_work[index] for index in sorted([*self._at_work])]
        if at_work:
            shard, progress = at_work[0]
            name = f"{shard.label}: " if self.pending > 1 else ""
            facts.append(f"{name}{progress.words}")
        return facts


class Lines:
    """A line when a step starts and one when it ends; a heartbeat if that takes long."""

    def __init__(
        self,
        terminal: Terminal,
        steps: Sequence[str],
        *,
        verbose: int = 0,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """Say nothing yet.

        Args:
            terminal: Where lines go.
            steps: All steps, for names of one width.
            verbose: 1 says a line for every shard.
            heartbeat: Seconds between two signs of life.
        """
        self._terminal = terminal
        self._width = name_width(steps)
        self._verbose = verbose
        self._heartbeat = heartbeat
        self._running: Running | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Start the heartbeat."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the heartbeat."""
        self._ended.set()
        self._thread.join()

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        """Say that a step starts, and why."""
        self._running = Running(stage.step, total, pending)
        name = stage.step.ljust(self._width)
        stored = f" ({total - pending} of {total} shards kept)" if pending < total else ""
        self._terminal.say(f" ▸ {name}  {reason}{stored}")

    def shard_went_on(self, stage: Stage, shard: Shard, progress: Progress) -> None:
        """Note how far it is, for the next sign of life; say it where each shard is shown."""
        running = self._running
        if running is None:
            return
        running.went_on(shard, progress)
        if self._verbose:
            name = stage.step.ljust(self._width)
            self._terminal.say(f"   {name}  {shard.label} · {progress.words}")

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Count it, and say so where each is shown."""
        running = self._running
        if running is None:
            return
        running.advance(shard)
        if self._verbose:
            name = stage.step.ljust(self._width)
            by = [f"by {shard.by}"] if shard.by else []
            facts = " · ".join([shard.label, *by, *running.facts])
            self._terminal.say(f"   {name}  {facts}")

    def stage_finished(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        """Say how it ended."""
        workers = self._running.workers if self._running else ""
        self._running = None
        self._terminal.say(outcome_line(outcome, result, self._terminal, self._width))
        if workers:
            self._terminal.say(workers)

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat):
            running = self._running
            if running is not None:
                facts = " · ".join([seconds_text(running.seconds), *running.facts])
                self._terminal.say(f"   {running.step.ljust(self._width)}  at work, {facts}")


def name_width(steps: Sequence[str]) -> int:
    """Return the width of the column of names."""
    return min(32, max((len(step) for step in steps), default=0))


def outcome_line(outcome: Outcome, result: StageResult, terminal: Terminal, width: int) -> str:
    """Say how a step ended: what it took, or why it did not run; then what must be said of it."""
    name = outcome.step.ljust(width)
    if outcome.state == "ran":
        rows = f"{result.rows:,} rows" if result.rows else ""
        result_words = f"{seconds_text(outcome.seconds):>8}  {rows}".rstrip()
    else:
        result_words = terminal.dim(outcome.reason)
    sign = terminal.paint("✓", "green")
    notes = [f"     ! {note}" for note in result.notes if outcome.state == "ran"]
    return "\n".join([f" {sign} {name}  {result_words}", *notes])
