"""What a run rests on that found nothing to do, so that it can be said again at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from adversity.registry import discover
from adversity_flows.cli.progress import name_width, outcome_line
from adversity_flows.runs.accepted_runs import accepted_run
from adversity_flows.runs.attack_ledger import ledger_of
from adversity_flows.runs.gate_runs import commits_named
from adversity_flows.runs.past_runs import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Plan, Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.unchanged import Question, Said
    from adversity_flows.runs.finished_run import FinishedRun
    from adversity_flows.steps.watch import Watcher

__all__ = ["Noting", "keep_unchanged"]

_EVENTS = ("adversity_run_started", "adversity_step_finished", "adversity_run_finished")


class Noting:
    """A watcher that passes everything on, and keeps the lines of steps that are unchanged.

    Attributes:
        lines: One for each.
        others: What else was said: a step ran, or somebody was warned.
    """

    def __init__(self, watcher: Watcher, terminal: Terminal, steps: Sequence[str]) -> None:
        """Begin with nothing.

        Args:
            watcher: Whom everything is passed on to.
            terminal: Where lines are said.
            steps: All steps, for names of one width.
        """
        self.lines: list[str] = []
        self.others = 0
        self.shard_went_on = watcher.shard_went_on
        self._watcher = watcher
        self._terminal = terminal
        self._width = name_width(steps)

    def warn(self, text: str) -> None:
        """Say a warning."""
        self.others += 1
        self._terminal.say(text)

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        """Pass on."""
        self.others += 1
        self._watcher.stage_started(stage, total, pending, reason)

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Pass on."""
        self._watcher.shard_finished(stage, shard)

    def stage_finished(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        """Pass on, and keep the line."""
        self.others += outcome.state != "cached"
        self.lines.append(outcome_line(outcome, result, self._terminal, self._width))
        self._watcher.stage_finished(stage, outcome, result)


def keep_unchanged(
    question: Question, plan: Plan, finished: FinishedRun, said: Said, *, anything: int
) -> bool:
    """Keep what a run said, if it did nothing and nobody has to hear of another one.

    Not where a plugin listens to runs, a code host is told of gates, a gate names a commit, or
    results may depend on a device: no file stands for these.

    Args:
        question: The run as it was called.
        plan: The pipeline.
        finished: What came of it.
        said: All that it said.
        anything: How often it did something, or warned.

    Returns:
        Whether it was kept.
    """
    nothing = finished.repeated and not anything and str(plan.root) == question.root
    told = any(map(discover().listens, _EVENTS)) or any(map(os.environ.get, _CODE_HOST))
    if not nothing or told or plan.spec.run.device != "cpu" or commits_named(plan):
        return False
    return question.keep(said, _trees(plan, finished), _files(plan))


_CODE_HOST = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY")


def _trees(plan: Plan, finished: FinishedRun) -> Iterator[Path]:
    accepted = accepted_run(plan.root, plan.name)
    yield from {finished.past.path} | ({accepted.path} if accepted else set())
    yield ledger_of(plan.root).root
    for stage in plan.stages:
        made = (stage.out, stage.metrics) if stage.metrics else (stage.out,)
        yield from (plan.root / path for path in (*stage.deps, *made))


def _files(plan: Plan) -> Iterator[Path]:
    """Go through what is only asked for, and the folders in which something new would count."""
    root = plan.root
    yield from (root, *(root / name for name in ("dvc.yaml", "dvc.lock", FOLDER)))
    yield from (root / ".dvc" / name for name in ("config", "config.local"))
    yield root / FOLDER / "accepted" / f"{plan.name}.json"
    named = {root / plan.file}
    for stage in plan.stages:
        named |= {root / path for path in (*stage.deps, stage.out, *stage.params)}
    folders = {folder for path in named for folder in path.parents if folder.is_relative_to(root)}
    yield from named | folders
    yield from (folder / name for folder in folders for name in (".dvcignore", ".dvc", "dvc.yaml"))
