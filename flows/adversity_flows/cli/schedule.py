"""`adversity schedule`: pipelines that run by themselves, and when."""

from __future__ import annotations

import json
from pathlib import Path

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines
from adversity_flows.cli.schedule_log import log
from adversity_flows.cli.schedule_run import run

__all__ = ["schedule"]

_ADD = 'add a line such as `schedule: {cron: "0 2 * * *", timezone: UTC}` to one'


@click.group()
def schedule() -> None:
    """Run pipelines when their `schedule:` says.

    \b
    Example:
      adversity schedule list
      adversity schedule serve pipelines/first_look.yaml
    """


schedule.add_command(run)
schedule.add_command(log)


@schedule.command("list", cls=Command)
@click.option(
    "--count", default=3, show_default=True, type=click.IntRange(1, 100), help="Times of each."
)
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def list_(count: int, as_json: bool) -> None:
    """Say when the pipelines of the project run next, if `schedule serve` serves them.

    \b
    Example:
      adversity schedule list --count 5
    """
    from datetime import UTC, datetime

    from adversity_flows.cli.project import find_root, plans_of
    from adversity_flows.prefect_flows.due import due_times

    now = datetime.now(UTC)
    found = [
        (plan, plan.spec.schedule, due_times(plan.spec.schedule, now, count))
        for plan in plans_of(find_root(Path.cwd()))
        if plan.spec.schedule
    ]
    if as_json:
        records = [
            {
                "pipeline": plan.file,
                "schedule": schedule.model_dump(exclude_none=True),
                "due": [time.isoformat() for time in times],
            }
            for plan, schedule, times in found
        ]
        click.echo(json.dumps({"schedules": records}, indent=1))
        return
    for plan, schedule, times in found:
        due = ", ".join(f"{time:%a %Y-%m-%d %H:%M}" for time in times)
        click.echo(f"{plan.file}: {schedule.words}: {due}")
    if not found:
        click.echo(f"no pipeline has a schedule; {_ADD}")


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
                f"expected a pipeline with a schedule in {root / 'pipelines'}, got none; {_ADD}"
            )
    click.echo("starting the scheduler ...", err=True)
    serve_schedule(root, chosen, announce=lambda line: click.echo(line))
