"""`adversity schedule pause` and `resume`: whether the times of a schedule start anything."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines

__all__ = ["pause", "resume"]


@click.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
def pause(files: tuple[str, ...]) -> None:
    """Let the schedules of pipelines start nothing until `resume`; without PIPELINE, all.

    A run at work goes on, `schedule serve` keeps to it when it starts again, and
    `schedule trigger` runs a pipeline all the same.

    \b
    Example:
      adversity schedule pause pipelines/first_look.yaml
    """
    _set(files, paused=True)


@click.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
def resume(files: tuple[str, ...]) -> None:
    """Let the schedules of pipelines start runs again; without PIPELINE, all.

    What was due meanwhile is not made up for.

    \b
    Example:
      adversity schedule resume pipelines/first_look.yaml
    """
    _set(files, paused=False)


def _set(files: tuple[str, ...], *, paused: bool) -> None:
    from adversity_flows.cli.project import find_root, root_of
    from adversity_flows.prefect_flows.deployments import (
        chosen,
        deployments_of,
        nobody_starts,
        set_paused,
    )
    from adversity_flows.prefect_flows.lent_client import lent_client

    root = root_of(files[0]) if files else find_root(Path.cwd())
    with lent_client(root) as client:
        known = deployments_of(client, root)
        for name, deployment in chosen(known, root, [Path(file).absolute() for file in files]):
            set_paused(client, deployment, paused=paused)
            if paused:
                click.echo(f"{name}: paused")
            elif nobody_starts(client, root, client.read_deployment(deployment.id)):
                pool = deployment.work_pool_name
                what = f"a worker of the pool {pool}" if pool else "`adversity schedule serve`"
                click.echo(f"{name}: resumed; it runs as soon as {what} is there")
            else:
                click.echo(f"{name}: resumed")
