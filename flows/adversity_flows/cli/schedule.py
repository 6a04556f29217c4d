"""`adversity schedule serve`: pipelines on their cron."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines

__all__ = ["schedule"]


@click.group()
def schedule() -> None:
    """Run pipelines on their cron.

    \b
    Example:
      adversity schedule serve pipelines/first_look.yaml
    """


@schedule.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
def serve(files: tuple[str, ...]) -> None:
    """Run pipelines whenever their `schedule:` says, until Ctrl-C.

    Without PIPELINE: all of the project that have a schedule. Each run is an `adversity run`
    of its own; while one works, a further one of the same pipeline is left out.

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
                f"expected a pipeline with a schedule in {root / 'pipelines'}, got none; add a "
                'line such as `schedule: {cron: "0 2 * * *", timezone: UTC}` to one'
            )
    click.echo("starting the scheduler ...", err=True)
    serve_schedule(root, chosen, announce=lambda line: click.echo(line))
