"""`adversity run`: a pipeline from the file to the verdict."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.unchanged import Question
    from adversity_flows.runs.finished_run import FinishedRun

__all__ = ["run"]


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Write a value into the pipeline file first, as steps.attacked.with.eps=2/255.",
)
@click.option("--direct", is_flag=True, help="Run without Prefect.")
@click.option("--force", metavar="STEP", multiple=True, help="Run this step though unchanged.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a gate is undecided, too.")
@click.option("--verify", is_flag=True, help="Hash every file, whatever its size and time say.")
@click.option("--workers", type=click.IntRange(min=1), help="Shards at the same time.")
@click.option("--notify", is_flag=True, help="Tell those whom `notify:` of the file names.")
@click.option("--json", "as_json", is_flag=True, help="Write the result as one JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="Say the verdict and errors only.")
@click.option("-v", "--verbose", count=True, help="Say a line for every shard.")
def run(
    pipeline: str,
    changes: tuple[str, ...],
    direct: bool,
    force: tuple[str, ...],
    strict: bool,
    verify: bool,
    workers: int | None,
    notify: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Run a pipeline, judge its gates and write its report.

    Only steps run whose data, parameters or plugins have changed; the rest is read from what
    DVC recorded. The page, the manifest and the log lie in runs/. Exit codes: 0 done, 1 a gate
    failed, 2 wrong input, 3 a run failed, 130 interrupted, 141 nobody read the results.

    \b
    Examples:
      adversity run pipelines/first_look.yaml
      adversity run pipelines/first_look.yaml --set steps.attacked.with.eps=8/255 --direct
    """
    from adversity_flows.cli.project import plan_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.unchanged import Question, Said

    err = Terminal.of(colour=colour_choice())
    out = Terminal.stdout(colour=colour_choice())
    usual = not (changes or force or verify or notify or as_json)
    question = Question.of(pipeline, (strict, quiet, verbose), err, out) if usual else None
    code = None if question is None else _said_again(question, err, out)
    if code is not None:
        return code
    plan = plan_of(pipeline, overrides=changes)
    _refuse_unknown(plan, force)
    if notify:
        from adversity_flows.cli.notify import refuse_untold

        refuse_untold(plan, "--notify: ")
    if changes:
        plan = _written(plan, changes, err)
    introduction = [] if quiet else _introduction(plan, err)
    for line in introduction:
        err.say(line)
    from adversity_flows.cli.keep_unchanged import Noting, keep_unchanged
    from adversity_flows.cli.results import say_results
    from adversity_flows.cli.watching import watching
    from adversity_flows.redaction import without_secrets
    from adversity_flows.session import RunOptions, run_plan

    command = without_secrets(shlex.join(["adversity", *sys.argv[1:]]))
    options = RunOptions(
        direct=direct,
        force=force,
        strict=strict,
        workers=workers,
        command=command,
        verify=verify,
    )
    steps = [stage.step for stage in plan.stages]
    with watching(err, steps=steps, quiet=quiet, verbose=verbose) as watcher:
        noting = Noting(watcher, err, steps)
        with _telling(plan, err, notify=notify) as told:
            finished = told(run_plan(plan, noting, options, warn=noting.warn))
    _say_to_github(finished, plan)
    if as_json:
        click.echo(json.dumps(_as_json(finished, plan), indent=1, ensure_ascii=False))
        return finished.exit_code
    after, verdict, page = say_results(finished, plan.root, out, quiet=quiet)
    if question is not None:
        before = () if quiet else (*introduction, *noting.lines)
        said = Said(before, after, verdict, page, finished.exit_code)
        keep_unchanged(question, plan, finished, said, anything=noting.others)
    return finished.exit_code


def _said_again(question: Question, err: Terminal, out: Terminal) -> int | None:
    """Say what the last run said, if nothing has changed since; return None if it must be done."""
    import time

    started = time.monotonic()
    said = question.answer()
    if said is None:
        return None
    for line in said.before:
        err.say(line)
    for line in said.after:
        out.say(line)
    out.say(said.last_line(f"{time.monotonic() - started:.1f} s"))
    return said.code


def _written(plan: Plan, changes: Sequence[str], err: Terminal) -> Plan:
    """Write changes into the file, unless a run with them could not begin; plan what it says now.

    Args:
        plan: What the file says with the changes.
        changes: Each `KEY=VALUE`.
        err: Told what was written.
    """
    from adversity.pipeline.read.edit import edited, replace_content
    from adversity_flows.cli.project import plan_of
    from adversity_flows.steps.early_refusals import refuse_to_write

    path = plan.root / plan.file
    content = edited(path, changes)
    if path.read_bytes() != content:
        refuse_to_write(plan)
        replace_content(path, content)
        err.say(f"{plan.file}: wrote {', '.join(changes)}")
    return plan_of(str(path))


def _refuse_unknown(plan: Plan, force: Sequence[str]) -> None:
    from adversity.errors import InputError

    known = [stage.step for stage in plan.stages]
    for step in force:
        if step not in known:
            raise InputError(
                f"--force: expected a step that leaves an artifact ({', '.join(known)}), "
                f"got {step!r}"
            )


@contextmanager
def _telling(
    plan: Plan, err: Terminal, *, notify: bool
) -> Iterator[Callable[[FinishedRun], FinishedRun]]:
    """Tell those who want to hear how the run within goes, if it is asked for."""
    if not notify:
        yield lambda finished: finished
        return
    from adversity_flows.notify.told import told_of_error, told_of_run

    def told(finished: FinishedRun) -> FinishedRun:
        told_of_run(plan, finished, say=err.say)
        return finished

    try:
        yield told
    except Exception as error:
        told_of_error(plan, error, say=err.say)
        raise


def _introduction(plan: Plan, err: Terminal) -> list[str]:
    from adversity_flows.cli.wording import plan_words

    name = err.paint(plan.name, "cyan", bold=True)
    return [f"{name}   {plan_words(plan)}", *(f" ! {warning}" for warning in plan.warnings)]


def _as_json(finished: FinishedRun, plan: Plan) -> dict[str, Any]:
    from adversity_flows.cli.wording import relative

    result = json.loads(finished.past.verified(finished.past.result).read_text("utf-8"))
    where = {
        "id": finished.past.id,
        "folder": relative(finished.past.path, plan.root),
        "report": relative(finished.past.page, plan.root),
        "repeated": finished.repeated,
        "accepted": finished.accepted,
        "seconds": round(finished.seconds, 3),
    }
    return {**result, "exit_code": finished.exit_code, "run": where}


def _annotations(finished: FinishedRun, plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield level, place and text of what a code host shows beside the file."""
    for gate in finished.report.gates:
        if gate.verdict != "pass":
            level = "warning" if gate.verdict == "undecided" else "error"
            yield level, _place(gate.line, plan), f"{gate.text}: {gate.why}"
    for caveat in finished.report.caveats:
        if caveat.level != "note":
            step = plan.steps.get(caveat.step or "")
            at = "" if step is None else step.line
            yield "warning", _place(at, plan), caveat.sentence


def _place(where: str, plan: Plan) -> str:
    file, _, line = where.rpartition(":")
    return f"file={file or plan.file},line={line}" if line.isdecimal() else f"file={plan.file}"


def _say_to_github(finished: FinishedRun, plan: Plan) -> None:
    """Mark gates and doubts in the file, and add the report to the page of the workflow's run."""
    import os

    if os.environ.get("GITHUB_ACTIONS") == "true":
        for level, place, what in _annotations(finished, plan):
            escaped = what.replace("%", "%25").replace("\n", "%0A")
            click.echo(f"::{level} {place}::{escaped}", err=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    text = finished.past.path / "report.md"
    if summary and text.is_file():
        lines = text.read_text(encoding="utf-8").splitlines(keepends=True)
        with Path(summary).open("a", encoding="utf-8") as page:
            page.writelines(line for line in lines if not line.startswith("!["))
