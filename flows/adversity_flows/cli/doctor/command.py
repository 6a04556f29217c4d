"""`adversity doctor`: what is missing or does not fit, and the command that fixes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice

if TYPE_CHECKING:
    from adversity_flows.cli.doctor.check import Check
    from adversity_flows.cli.terminal import Terminal

__all__ = ["doctor"]

SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "wrong": ("✗", "red")}


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
@click.option("--deep", is_flag=True, help="Start Prefect's server, too; takes some seconds.")
def doctor(as_json: bool, deep: bool) -> int:
    """Find what is missing or does not fit, and say the command that fixes it.

    Exit code 0 if runs can work, 3 if something is wrong; warnings alone are 0.

    \b
    Example:
      adversity doctor
    """
    from adversity.errors import InputError
    from adversity_flows.cli.doctor.checks import examine
    from adversity_flows.cli.project import find_root
    from adversity_flows.cli.terminal import Terminal

    try:
        root: Path | None = find_root(Path.cwd())
    except InputError:
        root = None
    out = Terminal.stdout(colour=colour_choice())
    checks: list[Check] = []
    for check in examine(root, deep=deep):
        checks.append(check)
        if not as_json:
            _say(check, out)
    wrong = sum(check.level == "wrong" for check in checks)
    warnings = sum(check.level == "warning" for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": not wrong, "checks": [asdict(c) for c in checks]}, indent=1))
    else:
        fine = len(checks) - wrong - warnings
        out.say(f"\n{fine} fine · {warnings} to look at · {wrong} wrong")
    return 3 if wrong else 0


def _say(check: Check, out: Terminal) -> None:
    sign, colour = SIGNS[check.level]
    out.say(f" {out.paint(sign, colour)} {check.name:<15} {check.found}")
    if check.fix:
        out.say(f"   {'':<15} → {check.fix}")
