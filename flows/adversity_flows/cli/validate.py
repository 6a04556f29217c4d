"""`adversity validate`: everything that can be known of a pipeline without running it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["validate"]


@click.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
@click.option("--json", "as_json", is_flag=True, help="Write the plans as one JSON document.")
def validate(files: tuple[str, ...], as_json: bool) -> None:
    """Check pipeline files without running them; all of the project's if none is named.

    Plugins, parameters, references, the matrix, gates and the schedule are checked. Every
    finding is said at once, with its line; then the exit code is 2. Data that are not there yet
    are a warning. Then it says what a run will cost if nothing of it was computed before: images
    that networks answer for, gradients, disk and, where earlier runs measured it, time.

    \b
    Example:
      adversity validate pipelines/first_look.yaml
    """
    from adversity.engine.calls.device import refuse_absent_device
    from adversity_flows.cli.cost_table import cost_json, cost_lines
    from adversity_flows.cli.project import find_root, named_plans, plans_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.wording import plan_words
    from adversity_flows.runs.run_cost import run_cost

    plans = named_plans(files) if files else plans_of(find_root(Path.cwd()))
    for plan in plans:
        refuse_absent_device(plan)
    if as_json:
        records = [{**_as_json(plan), "cost": cost_json(run_cost(plan))} for plan in plans]
        click.echo(json.dumps({"pipelines": records}, indent=1))
        return
    out = Terminal.stdout(colour=colour_choice())
    for plan in plans:
        out.say(f"{out.paint('✓', 'green')} {plan.file}: {plan_words(plan)}")
        for warning in _warnings(plan):
            out.say(f"  ! {warning}")
        for line in cost_lines(run_cost(plan), out):
            out.say(f"  {line}".rstrip())


def _as_json(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "file": plan.file,
        "seed": plan.spec.seed,
        "data": {
            id_: f"{planned.entry.kind}/{planned.entry.name}" for id_, planned in plan.data.items()
        },
        "steps": {
            id_: {
                "uses": plan.uses(planned.id),
                "role": planned.role,
                "cells": [cell.as_dict() for cell in planned.cells],
            }
            for id_, planned in plan.steps.items()
        },
        "stages": [stage.name for stage in plan.stages],
        "gates": [gate.text for gate in plan.gates],
        "warnings": _warnings(plan),
    }


def _warnings(plan: Plan) -> list[str]:
    """Return what does not make the file wrong; data may come from a remote before the run."""
    from adversity.pipeline.read.cron import clock_changes
    from adversity_flows.dvc.tracked import missing_data

    schedule = plan.spec.schedule
    changes = clock_changes(schedule.cron, schedule.timezone) if schedule and schedule.cron else ()
    scheduled = [f"{plan.file}: schedule: {change}" for change in changes]
    return [*plan.warnings, *scheduled, *missing_data(plan)]
