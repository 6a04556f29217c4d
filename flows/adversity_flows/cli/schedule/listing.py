"""`adversity schedule list`: when pipelines run next, and what Prefect knows of their runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from adversity_flows.prefect_flows.deployments import Known

__all__ = ["ADD", "known_here", "list_", "record_of", "words_of"]

ADD = 'add a line such as `schedule: {cron: "0 2 * * *", timezone: UTC}` to one'


@click.command("list", cls=Command)
@click.option(
    "--count", default=3, show_default=True, type=click.IntRange(1, 100), help="Times of each."
)
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def list_(count: int, as_json: bool) -> None:
    """Say when the pipelines of the project run next, and how the last runs ended.

    What Prefect knows, paused, the last state, who starts the runs, is said where its server
    runs: while `adversity schedule serve` or `ui` does, or at PREFECT_API_URL.

    \b
    Example:
      adversity schedule list --count 5
    """
    from datetime import UTC, datetime

    from adversity_flows.cli.project import find_root, plans_of
    from adversity_flows.prefect_flows.due import due_times

    root = find_root(Path.cwd())
    now = datetime.now(UTC)
    found = [
        (plan, plan.spec.schedule, due_times(plan.spec.schedule, now, count))
        for plan in plans_of(root)
        if plan.spec.schedule
    ]
    known = known_here(root) if found else {}
    if as_json:
        records = [
            {
                "pipeline": plan.file,
                "schedule": schedule.model_dump(exclude_none=True),
                "due": [time.isoformat() for time in times],
                "prefect": record_of(known.get(plan.file)),
            }
            for plan, schedule, times in found
        ]
        click.echo(json.dumps({"schedules": records}, indent=1))
        return
    for plan, schedule, times in found:
        due = ", ".join(f"{time:%a %Y-%m-%d %H:%M}" for time in times)
        click.echo(f"{plan.file}: {schedule.words}: {due}")
        if plan.file in known:
            click.echo(f"  {words_of(known[plan.file], plan.file, times[0])}")
    if not found:
        click.echo(f"no pipeline has a schedule; {ADD}")


def known_here(root: Path, *, mark: bool = True) -> Mapping[str, Known]:
    """Ask the server, if one runs, what it knows of pipelines by file; nothing where it fails.

    Args:
        root: The project's folder.
        mark: Mark runs whose process is gone there, too.
    """
    from contextlib import suppress

    from adversity_flows.prefect_flows.deployments import deployments_of, known_of
    from adversity_flows.prefect_flows.held_runs import mark_crashed
    from adversity_flows.prefect_flows.lent_client import running_client

    found: dict[str, Known] = {}
    with suppress(Exception), running_client(root) as client:
        if client is not None:
            deployments = deployments_of(client, root)
            if mark:
                mark_crashed(root, client, deployments=[one.id for one in deployments.values()])
            for file, one in deployments.items():
                found[file] = known_of(client, root, one)
    return found


def record_of(known: Known | None) -> dict[str, Any] | None:
    """Return what is known of a schedule, for programs."""
    if known is None:
        return None
    return {
        "paused": known.paused,
        "work_pool": known.started_by,
        "started": not known.waits,
        "last": known.last,
        "last_due": known.last_at.isoformat() if known.last_at else None,
        "next": known.next_at.isoformat() if known.next_at else None,
    }


def words_of(known: Known, file: str, like: datetime) -> str:
    """Say what is known of a schedule in a line, in the time zone of another time."""
    said = []
    if known.paused:
        said.append(f"paused (`adversity schedule resume {file}`)")
    elif known.waits:
        who = (
            f"no worker of the pool {known.started_by} is there"
            if known.started_by
            else "nobody serves it"
        )
        said.append(who)
    elif known.next_at is not None:
        said.append(f"next {known.next_at.astimezone(like.tzinfo):%a %Y-%m-%d %H:%M}")
    if known.last is None:
        said.append("never ran")
    else:
        at = f" {known.last_at.astimezone(like.tzinfo):%a %Y-%m-%d %H:%M}" if known.last_at else ""
        said.append(f"last{at}: {known.last}")
    return "; ".join(said)
