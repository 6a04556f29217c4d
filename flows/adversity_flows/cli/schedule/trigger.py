"""`adversity schedule trigger`: a run of a scheduled pipeline, now."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines

__all__ = ["trigger"]


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Run with this value, as steps.attacked.with.eps=2/255.",
)
@click.option("--wait", is_flag=True, help="Wait for its end, and exit with its exit code.")
def trigger(pipeline: str, changes: tuple[str, ...], wait: bool) -> int:
    """Order a run of a scheduled pipeline, now: `schedule serve` or a worker starts it.

    While a run of the pipeline works, a further one is left out. With --wait the exit code is
    the run's; a run that was left out, cancelled or killed came to no verdict, exit code 3.

    \b
    Example:
      adversity schedule trigger pipelines/first_look.yaml --wait
    """
    from adversity.errors import InputError
    from adversity_flows.cli.project import plan_of, root_of
    from adversity_flows.prefect_flows.deployments import (
        chosen,
        deployments_of,
        nobody_starts,
        said_at_end,
        wait_for_end,
    )
    from adversity_flows.prefect_flows.deployments import trigger as order
    from adversity_flows.prefect_flows.lent_client import lent_client

    plan_of(pipeline, overrides=changes)  # a wrong value is refused here and not at night
    root = root_of(pipeline)
    with lent_client(root) as client:
        known = deployments_of(client, root)
        ((name, deployment),) = chosen(known, root, [Path(pipeline).absolute()])
        waits = nobody_starts(client, root, deployment)
        if waits:
            pool = deployment.work_pool_name
            who = f"a worker of the pool {pool}" if pool else "`adversity schedule serve`"
            if wait:
                raise InputError(f"--wait: expected somebody who starts the run, got no {who}")
            click.echo(f"{name}: nobody starts it yet; it runs as soon as {who} is there")
        run = order(root, client, deployment, changes)
        click.echo(f"{run.name}: ordered")
        if not wait:
            return 0
        ended = wait_for_end(client, run.id, tell=lambda state: click.echo(state, err=True))
    code, said = said_at_end(ended)
    click.echo(said or str(ended.state_name))
    return code
