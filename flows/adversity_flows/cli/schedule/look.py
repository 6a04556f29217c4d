"""`adversity schedule run`: one scheduled look at a pipeline, for Prefect, cron and CI alike."""

from __future__ import annotations

import json
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.looks import Look

__all__ = ["run"]


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.option(
    "--rev", metavar="REV", help="Run this branch, tag or commit, whatever the file says."
)
@click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Write a value into the commit's pipeline file first: a trial that stands on no branch.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 if a gate is undecided, too.")
@click.option("--push/--no-push", default=None, help="Whether results go to the remotes.")
@click.option("--prefect", is_flag=True, help="Show the steps in Prefect.")
@click.option("--json", "as_json", is_flag=True, help="Write the look as one JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="Say the verdict and errors only.")
@click.option("-v", "--verbose", count=True, help="Say a line for every shard.")
def run(
    pipeline: str,
    rev: str | None,
    changes: tuple[str, ...],
    strict: bool,
    push: bool | None,
    prefect: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Look at a pipeline once, as its schedule does: a commit, its data, its run.

    The commit that `schedule: {rev: ...}` names is run in a folder of its own; files that are
    edited and not committed are left alone and not used. Results go to the branch
    results/<pipeline>, and from there to the remotes. While one look at a pipeline is at work,
    a further one is left out, with exit code 0. One that takes longer than `schedule: {timeout: ...}`
    is ended. Each leaves a line for `adversity schedule log`.
    Exit codes: 0 done or left out, 1 a gate failed, 2 wrong input, 3 it failed, or its results
    were not pushed.

    \b
    Example:
      adversity schedule run pipelines/first_look.yaml
    """
    from adversity_flows.cli.project import root_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.watching import watching
    from adversity_flows.notify.told import told_of_look
    from adversity_flows.redaction import without_secrets
    from adversity_flows.scheduled.look import LookOptions, look_at
    from adversity_flows.scheduled.timed import look_in_time, name_from_outside, timeout_of

    err = Terminal.of(colour=colour_choice())
    out = Terminal.stdout(colour=colour_choice())
    root = root_of(pipeline)
    file = _within(root, pipeline)
    tell = partial(told_of_look, root, file, say=err.say)
    ended = tell if not changes else lambda _: None  # a trial is no news
    name = name_from_outside()
    timeout = None if name else timeout_of(root, file)
    if timeout is not None:
        given = click.get_current_context().find_object(list)
        return look_in_time(root, file, timeout, given or [], ended)
    options = LookOptions(
        rev=rev,
        strict=strict or None,
        push=push,
        prefect=prefect,
        changes=changes,
        command=without_secrets(shlex.join(["adversity", *sys.argv[1:]])),
        say=(lambda _: None) if quiet else err.say,
        watching=lambda plan: watching(
            err, steps=[stage.step for stage in plan.stages], quiet=quiet, verbose=verbose
        ),
        ended=ended,
        name=name,
    )
    look = look_at(root, file, options)
    if as_json:
        click.echo(json.dumps(look.as_json(), indent=1, ensure_ascii=False))
    else:
        _say(look, out)
    return look.exit_code


def _within(root: Path, pipeline: str) -> str:
    """Return a pipeline file as the project names it."""
    from adversity.errors import InputError

    path = Path(pipeline).absolute()
    if not path.is_relative_to(root) and not path.resolve().is_relative_to(root):
        raise InputError(f"expected a pipeline file within {root}, got {path}")
    return (path if path.is_relative_to(root) else path.resolve()).relative_to(root).as_posix()


def _say(look: Look, out: Terminal) -> None:
    from adversity.report.words.wording import seconds_text

    for gate in look.gates_failed:
        out.say(f"gate failed: {gate}")
    where = f"   report: {look.report}" if look.report else ""
    took = seconds_text(look.seconds)
    again = "nothing had changed, " if look.repeated else ""
    said = f"left out: {look.verdict}" if look.outcome == "left out" else look.verdict
    out.say(f"{said}   {again}{took}{where}")
