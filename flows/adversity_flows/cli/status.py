"""`adversity status`: what is to do and why, what runs, and how the last runs ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.cli.status_schedule import Looked
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.dvc.at_work import AtWork
    from adversity_flows.dvc.outlook import Outlook
    from adversity_flows.proof.audit import Audit

__all__ = ["status"]

_SIGNS = {"unchanged": ("✓", "green"), "to do": ("▸", "yellow"), "waits": ("✗", "red")}


@click.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 1 if something is to do or waits, or an audit finds a change.",
)
@click.option("--audit", is_flag=True, help="Hash again what each accepted run rests on.")
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def status(files: tuple[str, ...], check: bool, audit: bool, as_json: bool) -> int:
    """Say what a run would find: steps that are done, to do and why, or held up.

    Nothing is computed, changed or fetched. What is not on this disk is judged by its record, so
    a fresh clone says the same as the machine that computed. Of pipelines that are named all steps
    are listed, else only those that are not done. A step that waits needs a decision on its data.
    With --audit it says, too, whether the numbers that gates compare with can still be produced.

    \b
    Example:
      adversity status
    """
    from adversity_flows.cli.project import find_root, named_plans, plans_of, root_of
    from adversity_flows.cli.status_schedule import looked_at
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.dvc.at_work import at_work
    from adversity_flows.dvc.outlook import outlooks

    root = root_of(files[0]) if files else find_root(Path.cwd())
    plans = named_plans(files) if files else plans_of(root)
    found = outlooks(root, plans)
    working = at_work(root)
    audits = [_audit_of(plan) if audit else None for plan in plans]
    looked = looked_at(root, plans)
    if as_json:
        every = zip(plans, found, audits, looked, strict=True)
        records = [_as_json(*one, working) for one in every]
        click.echo(json.dumps({"pipelines": records, "at_work": _working_json(working)}, indent=1))
    else:
        out = Terminal.stdout(colour=colour_choice())
        for plan, steps, one_audit, look in zip(plans, found, audits, looked, strict=True):
            lines = [*_runs(plan, working), *look.lines]
            _say(out, plan, steps, lines, one_audit, everything=bool(files))
        for one in working:
            makes = ", ".join(one.makes)
            out.say(f"at work: process {one.pid} ({one.command}) makes {makes}")
    done = all(step.state == "unchanged" for steps in found for step in steps)
    proved = all(one is None or one.holds for one in audits)
    return 0 if (done and proved) or not check else 1


def _audit_of(plan: Plan) -> Audit | None:
    from adversity_flows.proof.audit import audit_of_accepted

    return audit_of_accepted(plan.root, plan.name)


def _say(
    out: Terminal,
    plan: Plan,
    steps: Sequence[Outlook],
    lines: Sequence[str],
    audited: Audit | None,
    *,
    everything: bool,
) -> None:
    """Write what there is to say of a pipeline."""
    from adversity.report.words.wording import plural
    from adversity_flows.dvc.tracked import missing_data

    left = [step for step in steps if step.state != "unchanged"]
    count = f"{len(left)} of {plural(len(steps), 'step')} to do" if left else "nothing to do"
    out.say(f"{plan.file}: {count}")
    for line in lines:
        out.say(f"  {line}")
    if audited is not None:
        out.say(f"  {'' if audited.holds else '! '}accepted {audited.name}: {audited.sentence}")
    for fault in missing_data(plan):
        out.say(f"  ! {fault}")
    width = max(len(step.step) for step in steps)
    for step in steps if everything else left:
        sign, colour = _SIGNS[step.state]
        why = "; ".join(step.reasons) or "unchanged"
        away = "" if step.here or step.state != "unchanged" else ", not on this disk: `dvc pull`"
        out.say(f"  {out.paint(sign, colour)} {step.step.ljust(width)}  {why}{away}")


def _runs(plan: Plan, working: Sequence[AtWork]) -> list[str]:
    """Say how the last run ended, and which one is accepted."""
    from adversity_flows.runs.accepted_runs import accepted_run
    from adversity_flows.runs.latest_run import latest_run

    last, accepted = latest_run(plan.root, plan.name), accepted_run(plan.root, plan.name)
    lines = ["never ran here"] if last is None else [f"last run {last.id}: {_end(last, working)}"]
    if accepted is not None and (last is None or accepted.id != last.id):
        lines.append(f"accepted run {accepted.id}")
    return lines


def _end(last: Any, working: Sequence[AtWork]) -> str:
    state = str(last.manifest.get("state"))
    if state == "done":
        return str(last.manifest["verdict_line"])
    if state == "running":
        return "at work" if working else "was killed; `adversity run` goes on where it stopped"
    return f"{state}: {str(last.manifest.get('error', '')).partition(chr(10))[0]}"


def _as_json(
    plan: Plan,
    steps: Sequence[Outlook],
    audited: Audit | None,
    looked: Looked,
    working: Sequence[AtWork],
) -> dict[str, Any]:
    from adversity_flows.dvc.tracked import missing_data
    from adversity_flows.runs.accepted_runs import accepted_run
    from adversity_flows.runs.latest_run import latest_run

    last, accepted = latest_run(plan.root, plan.name), accepted_run(plan.root, plan.name)
    schedule = plan.spec.schedule
    return {
        "name": plan.name,
        "file": plan.file,
        "steps": [
            {
                "step": step.step,
                "state": step.state,
                "reasons": list(step.reasons),
                "here": step.here,
            }
            for step in steps
        ],
        "missing_data": list(missing_data(plan)),
        "last_run": None if last is None else {"id": last.id, "end": _end(last, working)},
        "accepted_run": None if accepted is None else accepted.id,
        "audit": audited and audited.as_json(),
        "schedule": schedule and schedule.model_dump(exclude_none=True),
        **looked.record,
    }


def _working_json(working: Sequence[AtWork]) -> list[dict[str, Any]]:
    return [{"pid": one.pid, "command": one.command, "makes": list(one.makes)} for one in working]
