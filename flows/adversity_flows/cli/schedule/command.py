"""`adversity schedule`: pipelines that run by themselves, and when."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines
from adversity_flows.cli.schedule.deploy import deploy, worker
from adversity_flows.cli.schedule.listing import ADD, list_
from adversity_flows.cli.schedule.log import log
from adversity_flows.cli.schedule.look import run
from adversity_flows.cli.schedule.pause import pause, resume
from adversity_flows.cli.schedule.trigger import trigger

__all__ = ["schedule"]


@click.group()
def schedule() -> None:
    """Run pipelines when their `schedule:` says.

    \b
    Example:
      adversity schedule list
      adversity schedule serve pipelines/first_look.yaml
    """


for _command in (list_, run, log, deploy, worker, pause, resume, trigger):
    schedule.add_command(_command)


@schedule.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    help="Runs at the same time [default: one a processor core; one in all on a graphics card].",
)
def serve(files: tuple[str, ...], at_once: int | None) -> None:
    """Run pipelines whenever their `schedule:` says, until Ctrl-C.

    Without PIPELINE: all of the project that have a schedule. Each run is an `adversity
    schedule run` of its own; while one works, a further one of the same pipeline is left out. What was missed
    while nobody served is made up for by one run.

    \b
    Example:
      adversity schedule serve pipelines/first_look.yaml
    """
    from adversity.errors import InputError
    from adversity_flows.cli.project import find_root, plans_of, root_of
    from adversity_flows.prefect_flows.schedule import serve_schedule

    root = root_of(files[0]) if files else find_root(Path.cwd())
    chosen = [Path(file).absolute() for file in files]
    if not files:
        chosen = [root / plan.file for plan in plans_of(root) if plan.spec.schedule]
        if not chosen:
            raise InputError(
                f"expected a pipeline with a schedule in {root / 'pipelines'}, got none; {ADD}"
            )
    click.echo("starting the scheduler ...", err=True)
    serve_schedule(root, chosen, announce=lambda line: click.echo(line), at_once=at_once)
