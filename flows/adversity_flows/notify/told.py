"""Tell those whom a pipeline file names how a run went."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from adversity.data.atomic import atomic_write
from adversity.notifier import Message
from adversity.pipeline.read.load import load_pipeline
from adversity_flows.notify.chosen import Recipient
from adversity_flows.notify.outcome import of_error, of_look, of_run
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity.pipeline.read.notify import NotifySpec
    from adversity.pipeline.read.spec import PipelineSpec
    from adversity_flows.notify.outcome import Outcome
    from adversity_flows.runs.finished_run import FinishedRun
    from adversity_flows.runs.looks import Look

__all__ = ["message_of", "notified", "told_of_error", "told_of_look", "told_of_run", "trial"]

_BAD = {"failed", "gate_failed"}


def notified(
    root: Path, spec: PipelineSpec, outcome: Outcome, *, say: Callable[[str], None]
) -> None:
    """Send what `notify:` asks for; what cannot be sent is said, and changes nothing else.

    Args:
        root: The project's folder, which remembers how the run before ended: `recovered` is a run
            that passes after one that did not.
        spec: The pipeline.
        outcome: How the run ended.
        say: Told who was told, and what went wrong, a line each.
    """
    if spec.notify is None:
        return
    event = _event(spec.notify, outcome.state, _remembered(root, spec.name, outcome.state))
    if event is None:
        return
    message = message_of(spec.name, spec.notify, outcome, event)
    for one in spec.notify.to:
        fault = Recipient(one, root).send(message)
        say(f"told by {one.uses}: {message.title}" if fault is None else f"! not told by {fault}")


def told_of_run(plan: Plan, finished: FinishedRun, *, say: Callable[[str], None]) -> None:
    """Tell of a run that came to its verdict.

    Args:
        plan: The pipeline.
        finished: The run.
        say: As for `notified`.
    """
    with _harmless(say):
        notified(plan.root, plan.spec, of_run(finished, plan.root), say=say)


def told_of_error(plan: Plan, error: Exception, *, say: Callable[[str], None]) -> None:
    """Tell of a run that failed.

    Args:
        plan: The pipeline.
        error: Why.
        say: As for `notified`.
    """
    with _harmless(say):
        notified(plan.root, plan.spec, of_error(error), say=say)


def told_of_look(root: Path, file: str, look: Look, *, say: Callable[[str], None]) -> None:
    """Tell of a scheduled look, if its pipeline says whom.

    Args:
        root: The project's folder.
        file: The pipeline file, relative to it.
        look: It, ended.
        say: As for `notified`.
    """
    with _harmless(say):
        outcome = of_look(look, root)
        if outcome is not None:
            notified(root, load_pipeline(root / file, root=root).spec, outcome, say=say)


@contextmanager
def _harmless(say: Callable[[str], None]) -> Iterator[None]:
    """Keep whatever goes wrong with telling from the run, which has ended."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  (a verdict is worth more than any message)
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        say(f"! nobody was told: {without_secrets(first)}")


def trial(root: Path, spec: PipelineSpec, commit: str) -> list[tuple[str, str | None]]:
    """Send a trial message to everybody; return by what, and what went wrong.

    Args:
        root: The project's folder.
        spec: The pipeline, with `notify:`.
        commit: What git has checked out; empty without.
    """
    message = Message(
        spec.name, "trial", "nothing ran: this is how you would be told", commit=commit
    )
    told = spec.notify.to if spec.notify else ()
    return [(one.uses, Recipient(one, root).send(message)) for one in told]


def message_of(pipeline: str, notify: NotifySpec, outcome: Outcome, event: str) -> Message:
    """Return what is told of a run.

    Args:
        pipeline: Its name.
        notify: Where its reports can be seen.
        outcome: How the run ended.
        event: What of it is told.
    """
    report = outcome.report
    if notify.reports and report:
        report = f"{notify.reports.rstrip('/')}/{report.removeprefix('runs/')}"
    return Message(
        pipeline, event, outcome.verdict, outcome.gates, report, outcome.run, outcome.commit
    )


def _event(notify: NotifySpec, state: str, before: str) -> str | None:
    """Return which event is told of a run, or None."""
    if before in _BAD and state not in _BAD and "recovered" in notify.when:
        return "recovered"
    return state if state in notify.when else None


def _remembered(root: Path, pipeline: str, state: str) -> str:
    """Return how the run before ended, and remember this one; a full disk forgets."""
    path = root / ".adversity" / "notify" / f"{pipeline}.json"
    before = ""
    with suppress(Exception):
        before = str(json.loads(path.read_text(encoding="utf-8"))["state"])
    with suppress(Exception):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"state": state})
        atomic_write(path, lambda new: new.write_text(text, encoding="utf-8"))
    return before
