"""`adversity notify`: whether those who are to hear of runs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command
from adversity_flows.cli.completion import pipelines
from adversity_flows.exit_codes import FAILED

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["notify", "refuse_untold"]


@click.group()
def notify() -> None:
    """Tell somebody how runs go, as `notify:` says.

    \b
    Example:
      adversity notify test pipelines/first_look.yaml
    """


@notify.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
def test(pipeline: str) -> int:
    """Send a trial message to everybody whom the pipeline file names; nothing runs.

    Exit codes: 0 all were told, 2 the file is wrong, 3 somebody could not be told.

    \b
    Example:
      adversity notify test pipelines/first_look.yaml
    """
    from adversity_flows.cli.project import plan_of
    from adversity_flows.notify.told import trial
    from adversity_flows.runs.environment import git_state

    plan = plan_of(pipeline)
    refuse_untold(plan)
    failed = False
    for uses, fault in trial(plan.root, plan.spec, git_state(plan.root).get("revision", "")):
        failed = failed or fault is not None
        click.echo(f"told by {uses}" if fault is None else f"not told by {fault}")
    return FAILED if failed else 0


def refuse_untold(plan: Plan, option: str = "") -> None:
    """Refuse a pipeline file that names nobody who is to be told.

    Args:
        plan: The pipeline.
        option: What asks for it; stands before the message.

    Raises:
        InputError: If it names nobody, with the lines to add and the ways that are installed.
    """
    from adversity.errors import InputError
    from adversity.registry import discover

    if plan.spec.notify is None:
        ways, _ = discover().notifiers()
        raise InputError(
            f"{option}{plan.file}: expected whom to tell, found no notify; add lines such as "
            "`notify: {to: [{uses: WAY, with: {url: {env: VARIABLE}}}]}`, where WAY is "
            f"one of {', '.join(sorted(ways))}"
        )
