"""The class of all commands: each takes `--debug` and `--color`."""

from __future__ import annotations

from typing import Any

import click

from adversity_flows.cli.failures import debugging
from adversity_flows.cli.terminal import COLOURS

__all__ = ["Command", "colour_choice"]

_COLOUR = "adversity.colour"


class Command(click.Command):
    """A command with the options that every command has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the options behind the command's own."""
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(
                ["--color"],
                type=click.Choice(COLOURS),
                default="auto",
                expose_value=False,
                callback=_keep_colour,
                help="Colours in the terminal; NO_COLOR and FORCE_COLOR count under auto.",
            ),
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=_debug,
                is_eager=True,
                help="Show the traceback of an error.",
            ),
        ]


def colour_choice() -> str:
    """Return what `--color` says in the running command."""
    return str(click.get_current_context().meta.get(_COLOUR, "auto"))


def _keep_colour(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.meta[_COLOUR] = value


def _debug(_: click.Context, __: click.Parameter, value: bool) -> None:
    debugging(on=value)
