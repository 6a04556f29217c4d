"""The live block of a run on a terminal: finished steps scroll by, the one at work moves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from adversity.report.words.wording import seconds_text
from adversity_flows.cli.progress import Running, name_width, outcome_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import ConsoleRenderable
    from rich.text import Text

    from adversity.engine.stages.stage import Progress, Shard, StageResult
    from adversity.pipeline.plan.model import Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.cli.terminal import Terminal

__all__ = ["Live"]

BAR = 20
_WIDE = 100
"""A terminal of fewer columns gets half the bar."""
_BAR_DRAWERS = ("dvc", "dvc_data", "dvc_objects")
"""They draw bars into our block unless their loggers are quiet; their errors are exceptions."""
PER_SECOND = 5


class Live:
    """A watcher that draws with rich; made only where there is a terminal."""

    def __init__(self, terminal: Terminal, steps: Sequence[str]) -> None:
        """Draw nothing yet.

        Args:
            terminal: Standard error, a terminal.
            steps: All steps, in the order they run.
        """
        from rich.console import Console
        from rich.live import Live as Block

        self._terminal = terminal
        self._width = name_width(steps)
        self._waiting = list(steps)
        self._running: Running | None = None
        console = Console(
            file=terminal.stream,
            width=terminal.width,
            no_color=not terminal.colour,
            highlight=False,
            soft_wrap=True,
        )
        self._block = Block(
            get_renderable=self._drawn,
            console=console,
            refresh_per_second=PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=True,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._block.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the block away; what finished stays."""
        self._block.stop()

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        """Move the bar to this step."""
        for name in _BAR_DRAWERS:  # not earlier: importing DVC sets their levels
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._running = Running(stage.step, total, pending)
        self._forget(stage.step)
        self._block.refresh()

    def shard_went_on(self, stage: Stage, shard: Shard, progress: Progress) -> None:
        """Show how far it is."""
        if self._running is not None:
            self._running.went_on(shard, progress)

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Move the bar on."""
        if self._running is not None:
            self._running.advance(shard)

    def stage_finished(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        """Let the finished step scroll by."""
        from rich.text import Text

        workers = self._running.workers if self._running else ""
        self._running = None
        self._forget(stage.step)
        line = outcome_line(outcome, result, self._terminal, self._width)
        self._block.console.print(Text.from_ansi(line))
        if workers:
            self._block.console.print(Text(workers, style="dim"))

    def _forget(self, step: str) -> None:
        if step in self._waiting:
            self._waiting.remove(step)

    def _drawn(self) -> ConsoleRenderable:
        from rich.text import Text

        lines = [self._now(), self._later()]
        text = Text("\n").join(line for line in lines if line.plain)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text

    def _now(self) -> Text:
        from rich.text import Text

        running = self._running
        if running is None:
            waiting = "checking what has changed" if self._waiting else "judging the gates"
            return Text(f" ▸ {waiting}", style="dim")
        text = Text.assemble((" ▸ ", "cyan"), f"{running.step.ljust(self._width)}  ")
        if running.pending > 1 or running.share:
            bar = BAR if self._terminal.width >= _WIDE else BAR // 2
            full = round(bar * running.share)
            text.append("━" * full, "cyan").append("━" * (bar - full), "dim").append("  ")
        facts, left = running.facts, len(running.left)
        # The end is cut off where it is too wide: the time left stands before all the rest.
        words = [*facts[:left], seconds_text(running.seconds), *facts[left:]]
        return text.append(" · ".join(words))

    def _later(self) -> Text:
        from rich.text import Text

        if not self._waiting or self._running is None:
            return Text("")
        return Text(f" · waiting: {', '.join(self._waiting)}", style="dim")
