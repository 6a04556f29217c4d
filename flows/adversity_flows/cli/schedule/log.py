"""`adversity schedule log`: every scheduled look, and how it ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.looks import Look
    from adversity_flows.scheduled.lease import Holder

__all__ = ["log"]

_COLOURS = {"done": "green", "left out": "yellow", "not pushed": "yellow"}


@click.command(cls=Command)
@click.argument("files", metavar="[PIPELINE]...", nargs=-1, shell_complete=pipelines)
@click.option(
    "--last", default=10, show_default=True, type=click.IntRange(1), help="Looks of each pipeline."
)
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def log(files: tuple[str, ...], last: int, as_json: bool) -> None:
    """Say how the last scheduled looks ended, those that found nothing to do, too.

    A look that is at work or was killed is said after them.

    \b
    Example:
      adversity schedule log --last 3
    """
    from adversity_flows.cli.project import find_root, root_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.looks import past_looks
    from adversity_flows.scheduled.lease import holder_of, state_folder

    root = root_of(files[0]) if files else find_root(Path.cwd())
    names = [_name(root, file) for file in files] or _looked_at(root)
    found = [
        (name, past_looks(root, name)[-last:], holder_of(state_folder(root, name)))
        for name in names
    ]
    if as_json:
        records = [_as_json(*one) for one in found]
        click.echo(json.dumps({"pipelines": records}, indent=1, ensure_ascii=False))
        return
    out = Terminal.stdout(colour=colour_choice())
    for one in found:
        _say(out, *one)
    if not found:
        out.say("no pipeline was looked at yet: `adversity schedule run PIPELINE` does it once")


def _name(root: Path, file: str) -> str:
    """Return the name of the pipeline in a file; that of a file that cannot be read."""
    from adversity.errors import PipelineError
    from adversity.pipeline.read.load import load_pipeline

    try:
        return load_pipeline(Path(file).absolute(), root=root).spec.name
    except PipelineError:
        if not Path(file).is_file():
            raise
        return Path(file).stem


def _looked_at(root: Path) -> list[str]:
    """Return the pipelines that were looked at, or are for the first time."""
    traces = {path.stem for path in (root / "runs" / "looks").glob("*.jsonl")}
    leases = {path.parent.name for path in root.glob(".adversity/schedule/*/lease.json")}
    return sorted(traces | leases)


def _say(out: Terminal, name: str, looks: Sequence[Look], holder: Holder | None) -> None:
    from adversity.report.words.wording import seconds_text

    out.say(f"{name}:" if looks or holder else f"{name}: never looked at here")
    width = max((len(look.outcome) for look in looks), default=0)
    for look in looks:
        outcome = out.paint(look.outcome.ljust(width), _COLOURS.get(look.outcome, "red"))
        commit = look.commit[:10].ljust(10)
        quiet = "nothing had changed; " if look.repeated else ""
        took = seconds_text(look.seconds)
        out.say(f"  {look.started}  {outcome}  {commit}  {took:>7}  {quiet}{look.verdict}")
    if holder is not None:
        state = "at work" if holder.lives else "killed; the next look heals it"
        out.say(f"  {holder.started}  {state}: {holder.words}")


def _as_json(name: str, looks: Sequence[Look], holder: Holder | None) -> dict[str, Any]:
    at_work = holder and {
        "look": holder.look,
        "started": holder.started,
        "pid": holder.pid,
        "commit": holder.commit,
        "lives": holder.lives,
    }
    return {"pipeline": name, "looks": [look.as_json() for look in looks], "at_work": at_work}
