"""`adversity sync`: dvc.yaml follows the pipeline files."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command, colour_choice

__all__ = ["sync"]


@click.command(cls=Command)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if something would change.")
def sync(check: bool) -> int:
    """Bring dvc.yaml and pipelines/.resolved/ in step with the pipeline files.

    `adversity run` does it for its own pipeline; `dvc repro` needs it after an edit. Stages
    that you wrote by hand are kept.

    \b
    Example:
      adversity sync --check
    """
    from adversity_flows.cli.project import find_root, plans_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.dvc.sync import sync as write

    root = find_root(Path.cwd())
    out = Terminal.stdout(colour=colour_choice())
    changes = write(root, plans_of(root), check=check)
    for change in changes:
        out.say(f"  {change}")
    if check and changes:
        Terminal.of(colour=colour_choice()).say("not in step; run `adversity sync`")
        return 1
    out.say("dvc.yaml is in step" if not changes else "dvc.yaml and pipelines/.resolved written")
    return 0
