"""`adversity step` and `adversity materialise`: the commands of the stages in dvc.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines, steps

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["materialise", "step"]


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.argument("name", metavar="STEP", shell_complete=steps)
@click.option("--workers", type=click.IntRange(min=1), help="Shards at the same time.")
def step(pipeline: str, name: str, workers: int | None) -> None:
    """Run one step of a pipeline; `dvc repro` calls this.

    STEP is a step that leaves an artifact, or `report`. By hand, too, it runs only if something
    it depends on has changed, and DVC records it.

    \b
    Example:
      adversity step pipelines/first_look.yaml predictions
    """
    from adversity_flows.cli.project import plan_of

    _run_step(plan_of(pipeline), name, workers)


@click.command(cls=Command, hidden=True)
@click.argument("name")
def materialise(name: str) -> None:
    """Write a data set that comes inside a package, or is of a revision; `dvc repro` calls this.

    \b
    Example:
      adversity materialise digits
    """
    from adversity.errors import InputError
    from adversity_flows.cli.project import find_root, sound_plans

    root = find_root(Path.cwd())
    plans = sound_plans(root)
    plan = next((p for p in plans if any(s.step == f"data:{name}" for s in p.stages)), None)
    if plan is None:
        known = {s.step.removeprefix("data:") for p in plans for s in p.stages if ":" in s.step}
        raise InputError(
            f"expected a packaged data set, or a version, that a pipeline in {root / 'pipelines'} uses "
            f"({', '.join(sorted(known)) or 'there is none'}), got {name!r}"
        )
    _run_step(plan, f"data:{name}", None)


def _run_step(plan: Plan, name: str, workers: int | None) -> None:
    from adversity.engine.set_up.workspace import Workspace
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.watching import watching
    from adversity_flows.steps.single_step import step_command

    terminal = Terminal.of(colour=colour_choice())
    with watching(terminal, steps=(name,)) as watcher:
        step_command(plan, name, Workspace.of(plan.root), watcher=watcher, workers=workers)
