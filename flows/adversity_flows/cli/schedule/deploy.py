"""`adversity schedule deploy` and `worker`: schedules that Prefect keeps, and who starts them."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines
from adversity_flows.cli.schedule.listing import ADD

__all__ = ["deploy", "worker"]


@click.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
@click.option("--pool", help="The work pool [default: adversity- and the folder's name].")
def deploy(files: tuple[str, ...], pool: str | None) -> None:
    """Make Prefect deployments of pipelines that have a `schedule:`, and a work pool for them.

    They are written down in prefect.yaml at the top of the project, which `prefect deploy`
    takes, too. A worker starts their runs: the command for one is said at the end. The server is
    the project's own on loopback, unless PREFECT_API_URL names another.

    \b
    Example:
      adversity schedule deploy pipelines/first_look.yaml
    """
    import os

    from adversity.errors import InputError
    from adversity_flows.cli.project import find_root, named_plans, plans_of, root_of
    from adversity_flows.prefect_flows.deploy import deploy as put
    from adversity_flows.prefect_flows.deploy import pool_of

    root = root_of(files[0]) if files else find_root(Path.cwd())
    found = named_plans(files) if files else [one for one in plans_of(root) if one.spec.schedule]
    plans = []
    for plan in found:
        if plan.spec.schedule is None:
            raise InputError(f"{plan.file}: expected a schedule, found none; {ADD}")
        plans.append((plan.file, plan.name, plan.spec.schedule))
    if not plans:
        raise InputError(f"expected a pipeline with a schedule, got none; {ADD}")
    name = pool or pool_of(root)
    put(root, plans, pool=name, announce=lambda line: click.echo(line))
    click.echo("written: prefect.yaml")
    chosen = f" --pool {pool}" if pool else ""
    click.echo(f"start a worker: adversity schedule worker{chosen}")
    if os.environ.get("PREFECT_API_URL"):
        click.echo(f"or, on a machine with this folder: prefect worker start --pool {name}")


@click.command(cls=Command)
@click.option("--pool", help="The work pool [default: adversity- and the folder's name].")
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs at the same time.",
)
def worker(pool: str | None, at_once: int) -> None:
    """Start the runs of deployed pipelines whenever they are due, until Ctrl-C.

    It is Prefect's own worker, beside the project's server unless PREFECT_API_URL names another.

    \b
    Example:
      adversity schedule worker --at-once 2
    """
    from adversity_flows.cli.project import find_root, sound_plans
    from adversity_flows.prefect_flows.deploy import pool_of
    from adversity_flows.prefect_flows.worker import work

    root = find_root(Path.cwd())
    schedules = {plan.file: plan.spec.schedule for plan in sound_plans(root) if plan.spec.schedule}
    click.echo("starting a worker ...", err=True)
    say = click.echo
    work(root, pool or pool_of(root), schedules, limit=at_once, announce=lambda line: say(line))
