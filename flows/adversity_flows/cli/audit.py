"""`adversity audit`: is everything that a run's numbers rest on still what it was?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import runs

if TYPE_CHECKING:
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.proof.audit import Audit

__all__ = ["SIGNS", "audit"]

SIGNS = {
    "holds": ("✓", "green"),
    "changed": ("✗", "red"),
    "missing": ("✗", "red"),
    "not recorded": ("·", "yellow"),
}
_SHOWN = 12
"""So many digits of a hash are shown."""


@click.command(cls=Command)
@click.argument("run", metavar="[RUN]", required=False, shell_complete=runs)
@click.option("--recompute", is_flag=True, help="Compute every number once more, from the data on.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
@click.option("--pipeline", metavar="NAME", help="Which one, where a commit has several.")
def audit(run: str | None, recompute: bool, as_json: bool, pipeline: str | None) -> int:
    """Say whether the numbers of RUN can still be produced, and from what.

    Everything that they rest on is hashed again: data, weights and assets, sources of plugins and
    of the engine, versions of libraries, artifacts, kept images, tables, attacks on record that a
    worst case is made of, and the report's own numbers. RUN is an id or a folder of runs/, a pipeline file for its last run, `last` (which is
    what counts without RUN), `accepted` for the run that gates compare with, or a branch, a tag or a commit, of which DVC has the results. With
    --recompute every step runs once more, in a folder that goes away, and is compared to the last
    bit. Exit code 1 if something changed or is missing.

    \b
    Examples:
      adversity audit
      adversity audit last --recompute
      adversity audit HEAD --json
    """
    from adversity_flows.cli.project import named_project
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.watching import watching
    from adversity_flows.proof.audit import audit as audited
    from adversity_flows.proof.subject import subject_of

    root = named_project(run)
    with subject_of(root, run, pipeline, damaged_too=True) as subject:
        if not recompute:
            found = audited(subject)
        else:
            terminal = Terminal.of(colour=colour_choice())
            with watching(terminal, steps=tuple(subject.run.steps)) as watcher:
                found = audited(subject, watcher)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _say(found, Terminal.stdout(colour=colour_choice()))
    return 0 if found.holds else 1


def _say(found: Audit, out: Terminal) -> None:
    """Write a line for each thing, then the sentence."""
    from adversity.report.words.wording import capital

    out.say(f"{found.name} of {found.file}")
    whats = max(len(check.what) for check in found.checks)
    names = min(40, max(len(check.name) for check in found.checks))
    for check in found.checks:
        sign, colour = SIGNS[check.state]
        hash_ = (check.recorded or "")[:_SHOWN] if check.what != "library" else ""
        said = check.words or check.state
        if check.state == "not recorded":
            said = f"not recorded: {check.words}"
        line = f"{check.what.ljust(whats)}  {check.name.ljust(names)}  {hash_.ljust(_SHOWN)}"
        out.say(f"  {out.paint(sign, colour)} {line}  {said}".rstrip())
    colour = "green" if found.holds else "red"
    out.say(out.paint(f"{capital(found.sentence)}.", colour, bold=True))
