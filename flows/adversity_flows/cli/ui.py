"""`adversity ui`: Prefect's page with the runs of this project."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command

__all__ = ["ui"]


@click.command(cls=Command)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def ui(show: bool) -> None:
    """Keep Prefect's page with the history of this project's runs open until Ctrl-C.

    It listens on this machine only. If you have configured a Prefect API of your own, that
    one's address is shown.

    \b
    Example:
      adversity ui
    """
    from adversity_flows.cli.project import find_root
    from adversity_flows.prefect_flows.server import ui as serve
    from adversity_flows.redaction import without_secrets

    def announce(address: str) -> None:
        click.echo(f"{without_secrets(address)}   (Ctrl-C ends it)")
        if show:
            click.launch(address)

    click.echo("starting Prefect's page ...", err=True)
    serve(find_root(Path.cwd()), announce=announce)
