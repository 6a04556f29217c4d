"""The display of a run that fits its terminal: a live block, plain lines, or nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from adversity_flows.cli.progress import Lines
from adversity_flows.steps.watch import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.steps.watch import Watcher

__all__ = ["watching"]


@contextmanager
def watching(
    terminal: Terminal, *, steps: Sequence[str], quiet: bool = False, verbose: int = 0
) -> Iterator[Watcher]:
    """Lend the watcher that fits the terminal, and end its display whatever happens.

    Args:
        terminal: Where progress is shown, usually standard error.
        steps: The steps of the run, for names of one width.
        quiet: Show nothing.
        verbose: 1 shows every shard.
    """
    if quiet:
        yield Silent()
    elif terminal.live and not verbose:
        from adversity_flows.cli.live import Live

        with Live(terminal, steps) as live:
            yield live
    else:
        with Lines(terminal, steps, verbose=verbose) as lines:
            yield lines
